"""D-Bus signatures as the D-Bus specification defines them, checked before any reaches a marshaller.

Refuses descriptors (`h`: a service passes none), nesting deeper than the guard lets values nest, and over-long ones.
"""

_BASIC = frozenset("ybnqiuxtdsog")
LONGEST = 64
DEEPEST = 8


def is_signature(text: str) -> bool:
    """Zero or more complete types."""
    return len(text) <= LONGEST and count(text) is not None


def is_single(text: str) -> bool:
    """Exactly one complete type."""
    return len(text) <= LONGEST and count(text) == 1


def count(text: str) -> int | None:
    """How many complete types stand there; None where it is no signature."""
    position = types = 0
    while position < len(text):
        end = _one(text, position, depth=0)
        if end is None:
            return None
        position, types = end, types + 1
    return types


def _one(text: str, start: int, *, depth: int) -> int | None:
    """Where the complete type that begins at `start` ends."""
    if start >= len(text) or depth > DEEPEST:
        return None
    letter = text[start]
    if letter in _BASIC or letter == "v":
        return start + 1
    if letter == "a" and text.startswith("a{", start):
        return _entry(text, start + 2, depth=depth + 1)
    if letter == "a":
        return _one(text, start + 1, depth=depth + 1)
    return _struct(text, start + 1, depth=depth + 1) if letter == "(" else None


def _struct(text: str, start: int, *, depth: int) -> int | None:
    end = _one(text, start, depth=depth)
    while end is not None and not text.startswith(")", end):
        end = _one(text, end, depth=depth)
    return None if end is None else end + 1


def _entry(text: str, start: int, *, depth: int) -> int | None:
    """A dictionary's entry: a basic key, one value."""
    if start >= len(text) or text[start] not in _BASIC:
        return None
    end = _one(text, start + 1, depth=depth)
    return end + 1 if end is not None and text.startswith("}", end) else None
