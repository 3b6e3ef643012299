"""MessagePack bytes → their shape is safe to decode, or `MalformedError`. Iterative, reads sizes only, builds nothing.

msgspec's decoder recurses in C and crashes on nested input in a small thread stack, so no message reaches it before
it has passed here. Extensions are refused (a timestamp would become an object that no D-Bus type has), and so is a
message of very many items, because the scan runs on the supervisor's loop.
"""

from exosdk.signature import MalformedError

MAX_DEPTH = 32
MAX_ITEMS = 16_384

_FIXED, _BYTES, _ITEMS, _PAIRS, _REFUSED = range(5)


def _row(byte: int) -> tuple[int, int]:
    """What one leading byte means: (kind, number). The number is a size, or minus the width of the size field."""
    if byte <= 0x7F or byte >= 0xE0:
        return _FIXED, 0
    if byte <= 0x8F:
        return _PAIRS, byte & 15
    if byte <= 0x9F:
        return _ITEMS, byte & 15
    if byte <= 0xBF:
        return _FIXED, byte & 31
    return _WIDE[byte]


_WIDE: dict[int, tuple[int, int]] = {
    **dict.fromkeys((193, 199, 200, 201, 212, 213, 214, 215, 216), (_REFUSED, 0)),
    **dict.fromkeys((192, 194, 195), (_FIXED, 0)),
    **{first + n: (_BYTES, -width) for first in (0xC4, 0xD9) for n, width in enumerate((1, 2, 4))},
    **{0xCA: (_FIXED, 4), 0xCB: (_FIXED, 8)},
    **{first + n: (_FIXED, width) for first in (0xCC, 0xD0) for n, width in enumerate((1, 2, 4, 8))},
    **{0xDC: (_ITEMS, -2), 0xDD: (_ITEMS, -4), 0xDE: (_PAIRS, -2), 0xDF: (_PAIRS, -4)},
}
_ROWS = tuple(_row(byte) for byte in range(256))


def check(data: bytes) -> None:
    """Raise `MalformedError` unless `data` is exactly one MessagePack value, at most 32 deep, without extensions."""
    end, position, items, pending = len(data), 0, 0, 1
    outer: list[int] = []
    while pending or outer:
        if not pending:
            pending = outer.pop()
            continue
        if position >= end:
            raise MalformedError("the message ends inside a value")
        pending -= 1
        items += 1
        kind, number = _ROWS[data[position]]
        position += 1
        if number < 0:
            width, position = -number, position - number
            number = int.from_bytes(data[position - width : position], "big")
        if kind == _FIXED or kind == _BYTES:
            position += number
        elif kind == _REFUSED:
            raise MalformedError("the message holds an extension type")
        else:
            outer.append(pending)
            pending = number if kind == _ITEMS else 2 * number
            if len(outer) > MAX_DEPTH:
                raise MalformedError(f"the message is nested deeper than {MAX_DEPTH}")
            # Every item takes a byte at least: a size that promises more than is there is refused before any loop.
            if pending > end - position or items + pending > MAX_ITEMS:
                raise MalformedError("the message promises more items than allowed")
    if position != end:
        raise MalformedError("the message does not end where its value ends")
