"""Topics and the patterns that select them: words of lower-case letters, digits, `-` and `_`, joined by `/`. Pure.

A pattern's `*` stands for one word, and at its end for all that follow; its first word is about the publisher's name.
`#5` selects what is published with message type 5.
"""

import re
from collections.abc import Iterable

from exosdk.message import TOPIC_MAX
from exosdk.signature import MalformedError

_WORD = "[a-z0-9][a-z0-9_-]*"
_TOPIC = re.compile(f"{_WORD}(/{_WORD})*")
_PATTERN = re.compile(rf"#[3-7]|({_WORD}|\*)(/({_WORD}|\*))*")


def is_topic(topic: str) -> bool:
    return len(topic) <= TOPIC_MAX and _TOPIC.fullmatch(topic) is not None


def check_topic(topic: str) -> None:
    if not is_topic(topic):
        raise MalformedError(f"{topic[:80]!r} is no topic: words of a-z, 0-9, - and _, joined by /")


def check_pattern(pattern: str) -> None:
    if not is_pattern(pattern):
        raise MalformedError(f"{pattern[:80]!r} is no pattern of topics: PLUGIN/WORD/… with * for a word, or #TYPE")


def is_pattern(pattern: str) -> bool:
    return len(pattern) <= TOPIC_MAX and _PATTERN.fullmatch(pattern) is not None


def matches(patterns: Iterable[str], topic: str, *, type_: int) -> bool:
    """`topic` with its publisher as the first word."""
    words = topic.split("/")
    return any(pattern == f"#{type_}" or _selects(pattern.split("/"), words) for pattern in patterns)


def _selects(pattern: list[str], words: list[str]) -> bool:
    if pattern[-1] == "*" and len(words) > len(pattern):
        words = words[: len(pattern)]
    return len(pattern) == len(words) and all(one in ("*", word) for one, word in zip(pattern, words, strict=True))
