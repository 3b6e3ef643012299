"""Whether plain values are what a D-Bus signature declares, for calls that pass no bus. Pure.

A variant takes any value that D-Bus has a type for. Refuses with `MalformedError`, which names the type.
"""

from collections.abc import Sequence
from typing import Any

from exosdk.signature import MalformedError, split

DEPTH_MAX = 8
_BITS = {"y": (0, 8), "n": (1, 16), "q": (0, 16), "i": (1, 32), "u": (0, 32), "x": (1, 64), "t": (0, 64)}


def check(signature: str, values: Sequence[Any]) -> None:
    types = split(signature)
    if len(types) != len(values):
        raise MalformedError(f"there are {len(values)} values, declared are {len(types)}")
    for type_, value in zip(types, values, strict=True):
        if not fits(type_, value):
            raise MalformedError(f"a value is not of the declared type {type_}")


def fits(type_: str, value: Any, depth: int = 0) -> bool:
    """Of one complete type."""
    if depth > DEPTH_MAX:
        return False
    letter, kind = type_[0], type(value)
    if letter in _BITS:
        signed, bits = _BITS[letter]
        return kind is int and -(1 << bits - 1) * signed <= value < 1 << bits - signed
    if letter == "a":
        return _array(type_[1:], value, depth + 1)
    if letter == "(":
        members = split(type_[1:-1])
        return (
            kind in (list, tuple)
            and len(value) == len(members)
            and all(fits(*one, depth + 1) for one in zip(members, value, strict=True))
        )
    if letter == "v":
        return _any(value, depth + 1)
    return kind is bool if letter == "b" else kind in (int, float) if letter == "d" else kind is str


def _array(element: str, value: Any, depth: int) -> bool:
    if element == "y" and isinstance(value, bytes):
        return True
    if element[0] != "{":
        return type(value) in (list, tuple) and all(fits(element, one, depth) for one in value)
    key, item = split(element[1:-1])
    return type(value) is dict and all(fits(key, k, depth) and fits(item, v, depth) for k, v in value.items())


def _any(value: Any, depth: int) -> bool:
    if depth > DEPTH_MAX:
        return False
    if isinstance(value, dict):
        return all(type(key) is str and _any(item, depth + 1) for key, item in value.items())
    if isinstance(value, (list, tuple)):
        return all(_any(item, depth + 1) for item in value)
    return isinstance(value, (bool, str, bytes, float)) or (type(value) is int and fits("x", value)) or fits("t", value)
