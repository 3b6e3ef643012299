"""Times and values of a series ↔ a chunk of bytes each, with a checksum. Pure, and exact to the last bit.

    u32 crc    of what follows
    u8 form    0 … 9: whole numbers, each value times ten to the power of form; 255: xor
    bytes      integers.pack of them; or each value's bits (IEEE 754) xored with those of the one before, byte planes,
               deflated

What people measure has few decimals, so that a value is a small whole number over a power of ten; what is no such
number (nan, inf, -0.0, thirds) goes as bits, as in Gorilla (Pelkonen et al., VLDB 2015, section 4.2). A power of ten is
taken only when every value of the chunk comes back with the same bits.
"""

import operator
import struct
import zlib
from array import array
from collections.abc import Iterable, Sequence
from itertools import accumulate, pairwise
from math import isfinite

import integers

_XOR = 255
_DECIMALS = 9
_WHOLE = float(1 << 52)
"""The difference of two such numbers is one that a double holds, so that they can be added up as doubles."""


class DamagedError(ValueError):
    """A chunk that is not what was written."""


def pack_times(times: Sequence[int]) -> bytes:
    """Milliseconds, in any order."""
    return _sealed(b"\0" + integers.pack(times))


def unpack_times(chunk: bytes, count: int) -> list[float]:
    """Whole milliseconds, as doubles, which are added up faster than whole numbers of any size."""
    return list(_whole(_opened(chunk)[1:], count))


def pack_values(values: Sequence[float]) -> bytes:
    bits = array("d", values).tobytes()
    for decimals in range(_DECIMALS + 1):
        numbers = _scaled(values, 10**decimals)
        if numbers is not None and array("d", (number / 10.0**decimals for number in numbers)).tobytes() == bits:
            return _sealed(bytes([decimals]) + integers.pack(numbers))
    return _sealed(bytes([_XOR]) + _xored(bits))


def unpack_values(chunk: bytes, count: int) -> tuple[list[float], float]:
    """Numbers, and what each has to be divided by to be the value; 1.0 where they are the values. Who wants only the
    least of them, or their sum, divides once. IEEE 754 rounds a quotient correctly: 123 / 10 is 12.3.
    """
    body = _opened(chunk)
    if body[0] == _XOR:
        return _bits(body[1:], count), 1.0
    if body[0] > _DECIMALS:
        raise DamagedError(f"there is no form {body[0]}")
    return list(_whole(body[1:], count)), 10.0 ** body[0]


def _scaled(values: Sequence[float], scale: int) -> list[int] | None:
    """None where one is too large to be told from its neighbours."""
    found = [value * scale for value in values]
    if not all(map(isfinite, found)) or max(map(abs, found), default=0.0) > _WHOLE:
        return None
    return list(map(round, found))


def _whole(data: bytes, count: int) -> Iterable[float]:
    try:
        return integers.unpack(data, count, begin=float)
    except ValueError as error:
        raise DamagedError(str(error)) from error


def _xored(bits: bytes) -> bytes:
    words = array("Q", bits)
    residuals = array("Q", words[:1])
    residuals.extend(before ^ after for before, after in pairwise(words))
    return integers.deflated(integers.spread(residuals))


def _bits(data: bytes, count: int) -> list[float]:
    try:
        residuals = integers.gathered(integers.inflated(data), 8, count, "Q")
    except ValueError as error:
        raise DamagedError(str(error)) from error
    values = array("d")
    values.frombytes(array("Q", accumulate(residuals, operator.xor)).tobytes())
    return values.tolist()


def _sealed(body: bytes) -> bytes:
    return struct.pack("<I", zlib.crc32(body)) + body


def _opened(chunk: bytes) -> bytes:
    body = chunk[4:]
    if len(body) < 2 or struct.unpack_from("<I", chunk) != (zlib.crc32(body),):
        raise DamagedError("its checksum is another one")
    return body
