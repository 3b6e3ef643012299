"""What a message carries → values by name of series; or why it is not recorded. Pure.

JSON: a number, which is the series TOPIC; or a flat map of names to numbers, each of which is the series TOPIC.NAME.
A message is taken whole or not at all.
"""

import json
import re
from enum import StrEnum
from math import isfinite
from typing import Any

MOST_VALUES = 64
"""In one message."""
MOST_LETTERS = 128
"""Of a series' name."""
MOST_BYTES = 16 << 10
"""Of a payload: so many of the longest names and numbers, and not the time to read more."""
_NAME = re.compile(r"[a-z0-9]+(?:[._-][a-z0-9]+)*")


class Reason(StrEnum):
    NOT_NUMBERS = "not-numbers"
    NAME = "name"
    TIME = "time"
    TOO_MANY = "too-many"
    FULL = "full"


class RefusedError(Exception):
    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.value)
        self.reason = reason


def values(topic: str, data: bytes | memoryview) -> dict[str, float]:
    """By name of series. Raises RefusedError."""
    if len(data) > MOST_BYTES:
        raise RefusedError(Reason.TOO_MANY)
    found = _parsed(data)
    pairs = (
        [(f"{topic}.{name}", value) for name, value in found.items()] if isinstance(found, dict) else [(topic, found)]
    )
    if not 0 < len(pairs) <= MOST_VALUES:
        raise RefusedError(Reason.TOO_MANY)
    if isinstance(found, dict) and not all(map(_NAME.fullmatch, found)):
        raise RefusedError(Reason.NAME)
    if any(len(name) > MOST_LETTERS for name, _ in pairs):
        raise RefusedError(Reason.NAME)
    return {name: _number(value) for name, value in pairs}


def _parsed(data: bytes | memoryview) -> Any:
    try:
        return json.loads(bytes(data), parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise RefusedError(Reason.NOT_NUMBERS) from error


def _number(value: Any) -> float:
    """A double; true and false are none, although Python counts with them."""
    try:
        number = float(value) if type(value) in (int, float) else None
    except OverflowError:
        number = None
    if number is None or not isfinite(number):
        raise RefusedError(Reason.NOT_NUMBERS)
    return number


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")
