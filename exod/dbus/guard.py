"""What strangers supply, before it reaches the marshaller: plain values ↔ checked values of a declared signature.

dbus-daemon disconnects whoever sends it a NUL in a string, a bad path, a bad signature or too much; a plugin's answer
must never do that to the daemon. Refuses (`Unfit`) values that are not what was declared, deeper than eight
containers, or larger than 256 KiB.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from exod.dbus.codec import SignatureType, Variant, tree

SIZE_MAX: Final = 256 << 10
DEPTH_MAX: Final = 8
_UNLIMITED: Final = 64 << 20
_INTEGERS: Final = {
    "y": (0, 0xFF),
    "n": (-0x8000, 0x7FFF),
    "q": (0, 0xFFFF),
    "i": (-0x80000000, 0x7FFFFFFF),
    "u": (0, 0xFFFFFFFF),
    "x": (-(1 << 63), (1 << 63) - 1),
    "t": (0, (1 << 64) - 1),
}
_PATH = re.compile(r"/|(/[A-Za-z0-9_]+)+")


class Unfit(ValueError):
    """Why a value may not go onto the bus; says the kind, never the value."""


def encode(signature: str, values: Sequence[Any], *, own: bool = False) -> list[Any]:
    """Plain values → what the marshaller takes. `own` values of the daemon may be larger, and their texts, which may
    quote a stranger, are cleaned where others' are refused.

    Variants are declared as `v` and take the type of their value: b, x (t above its range), d, s, ay, as, a{ss}, a{sv},
    av. Raises Unfit.
    """
    types = _types(signature)
    if len(types) != len(values):
        raise Unfit(f"{len(values)} values instead of {len(types)}")
    pass_ = _Pass(own=own)
    return [pass_.value(kind, value, 0) for kind, value in zip(types, values, strict=True)]


def decode(values: Sequence[Any], *, size: int) -> list[Any]:
    """Values as dbus-next decodes them → plain ones, variants opened. Raises Unfit."""
    if size > SIZE_MAX:
        raise Unfit(f"{size} bytes are more than {SIZE_MAX}")
    return [_plain(value, 0) for value in values]


def is_signature(text: str) -> bool:
    try:
        _types(text)
    except Unfit:
        return False
    return True


def is_path(text: str) -> bool:
    return _PATH.fullmatch(text) is not None


def clean(text: str) -> str:
    """Any string as one that the bus takes; for sentences of errors, which must arrive."""
    return _replaced(text)[:4096]


def _replaced(text: str) -> str:
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()


@lru_cache(maxsize=512)
def _types(signature: str) -> tuple[SignatureType, ...]:
    try:
        types = tuple(tree(signature).types)
    except Exception as error:
        raise Unfit("bad signature") from error
    # dbus-next takes a dict entry outside of an array, and one with a container as its key.
    if any(_malformed(kind, in_array=False) for kind in types):
        raise Unfit("bad signature")
    return types


def _malformed(kind: SignatureType, *, in_array: bool) -> bool:
    if kind.token == "{" and (not in_array or kind.children[0].token in "a({v"):
        return True
    if kind.token == "(" and not kind.children:
        return True
    return any(_malformed(child, in_array=kind.token == "a") for child in kind.children)


class _Pass:
    """One body on its way out; counts what it will take on the wire, padding included at its worst."""

    def __init__(self, *, own: bool) -> None:
        self._own = own
        self._budget = _UNLIMITED if own else SIZE_MAX

    def value(self, kind: SignatureType, value: Any, depth: int) -> Any:
        self._spend(8)
        token = kind.token
        if token in _INTEGERS:
            return _integer(token, value)
        return _CONVERT[token](self, kind, value, depth)

    def _spend(self, size: int) -> None:
        self._budget -= size
        if self._budget < 0:
            raise Unfit("too large")

    def boolean(self, _kind: SignatureType, value: Any, _depth: int) -> bool:
        if type(value) is not bool:
            raise Unfit("not a boolean")
        return value

    def double(self, _kind: SignatureType, value: Any, _depth: int) -> float:
        if type(value) not in (int, float):
            raise Unfit("not a number")
        try:
            return float(value)
        except OverflowError as error:
            raise Unfit("a number out of range") from error

    def text(self, kind: SignatureType, value: Any, _depth: int) -> str:
        if not isinstance(value, str):
            raise Unfit("not a string")
        text = _replaced(value) if self._own and kind.token == "s" else str(value)
        self._spend(len(text))
        if kind.token == "o" and not is_path(text):
            raise Unfit("not an object path")
        if kind.token == "g" and not is_signature(text):
            raise Unfit("not a signature")
        self._spend(_check_text(text) - len(text))
        return text

    def variant(self, _kind: SignatureType, value: Any, depth: int) -> Variant:
        signature = _guess(value)
        [kind] = _types(signature)
        return Variant(signature, self.value(kind, value, _deeper(depth)))

    def array(self, kind: SignatureType, value: Any, depth: int) -> Any:
        [child] = kind.children
        depth = _deeper(depth)
        if child.token == "{":
            return self._mapping(child, value, depth)
        if child.token == "y" and isinstance(value, bytes | bytearray | memoryview):
            self._spend(len(value))
            return bytes(value)
        if not isinstance(value, list | tuple):
            raise Unfit("not an array")
        items = [self.value(child, item, depth) for item in value]
        return bytes(items) if child.token == "y" else items

    def _mapping(self, entry: SignatureType, value: Any, depth: int) -> dict[Any, Any]:
        if not isinstance(value, Mapping):
            raise Unfit("not a dictionary")
        key, kind = entry.children
        return {self.value(key, name, depth): self.value(kind, item, depth) for name, item in value.items()}

    def struct(self, kind: SignatureType, value: Any, depth: int) -> list[Any]:
        if not isinstance(value, list | tuple) or len(value) != len(kind.children):
            raise Unfit("not a structure of that many fields")
        depth = _deeper(depth)
        return [self.value(child, item, depth) for child, item in zip(kind.children, value, strict=True)]

    def descriptor(self, _kind: SignatureType, _value: Any, _depth: int) -> Any:
        raise Unfit("a descriptor")


_CONVERT: Final[Mapping[str, Callable[[_Pass, SignatureType, Any, int], Any]]] = {
    "b": _Pass.boolean,
    "d": _Pass.double,
    "s": _Pass.text,
    "o": _Pass.text,
    "g": _Pass.text,
    "v": _Pass.variant,
    "a": _Pass.array,
    "(": _Pass.struct,
    "h": _Pass.descriptor,
}


def _integer(token: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise Unfit("not an integer")
    low, high = _INTEGERS[token]
    if not low <= value <= high:
        raise Unfit("an integer out of range")
    return int(value)


def _check_text(value: str) -> int:
    """Its size on the wire."""
    if "\0" in value:
        raise Unfit("a string with NUL")
    try:
        return len(value.encode())
    except UnicodeEncodeError as error:
        raise Unfit("a string that is not UTF-8") from error


def _deeper(depth: int) -> int:
    if depth >= DEPTH_MAX:
        raise Unfit("nested too deeply")
    return depth + 1


def _guess(value: Any) -> str:
    """A variant's type, from a closed list."""
    if isinstance(value, bool):
        return "b"
    if isinstance(value, int):
        return "x" if value < 1 << 63 else "t"
    if isinstance(value, Mapping):
        return "a{ss}" if value and all(isinstance(item, str) for item in value.values()) else "a{sv}"
    if isinstance(value, list | tuple):
        return "as" if all(isinstance(item, str) for item in value) else "av"
    for kind, signature in ((str, "s"), (float, "d"), (bytes, "ay")):
        if isinstance(value, kind):
            return signature
    raise Unfit(f"a {type(value).__name__}")


def _plain(value: Any, depth: int) -> Any:
    if isinstance(value, str):
        if "\0" in value:
            raise Unfit("a string with NUL")
        return value
    if isinstance(value, Variant):
        if "h" in value.signature:
            raise Unfit("a descriptor")
        return _plain(value.value, _deeper(depth))
    if isinstance(value, dict):
        depth = _deeper(depth)
        return {_plain(key, depth): _plain(item, depth) for key, item in value.items()}
    if isinstance(value, list):
        depth = _deeper(depth)
        return [_plain(item, depth) for item in value]
    return value
