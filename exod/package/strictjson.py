"""Bytes → JSON values with exactly one reading, and values → the canonical bytes that trust documents are signed as.

Refuses over-size input before it parses, duplicate keys, floats, NaN, lone surrogates, deep nesting, huge integers.
"""

import json
from typing import Any

from exod.package.malformed import MalformedError


def loads(data: bytes, *, limit: int) -> Any:
    """`limit` in bytes is checked first, so that nobody makes us parse megabytes."""
    if len(data) > limit:
        raise MalformedError("", f"it has {len(data)} bytes, at most {limit} are read")
    try:
        text = data.decode("utf-8")
        value = json.loads(text, object_pairs_hook=_single, parse_float=_no_float, parse_constant=_no_float)
        # "\ud800" is legal JSON but not text: it would blow up later, in whoever encodes it.
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError) as fault:
        raise MalformedError("", f"it is not strict JSON ({type(fault).__name__})") from None
    return value


def dumps(value: Any) -> bytes:
    """Canonical: sorted keys, no spaces, ASCII; equal values are equal bytes."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode("ascii")


def canonical(data: bytes, *, limit: int) -> Any:
    """`loads` for documents that exod itself writes: any other spelling of the same value is refused."""
    value = loads(data, limit=limit)
    if dumps(value) != data:
        raise MalformedError("", "it is not in canonical form")
    return value


def _single(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) != len(pairs):
        raise MalformedError("", "a key stands there twice")
    return table


def _no_float(_text: str) -> Any:
    raise MalformedError("", "a number is not an integer")
