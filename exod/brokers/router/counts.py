"""What instances say of their links, unchecked → a row for each link. Pure.

Neither end is believed more than the other: what was sent is the sender's word, what arrived and how long it took the
receiver's. A number that is none is 0.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

_MOST = (1 << 63) - 1
_BUCKETS = 24


class Row(NamedTuple):
    """One link. depth: slots of 64 bytes that are not read yet. p50, p99: of the way of a message, in microseconds, as
    the upper edge of a bucket that is a power of two.
    """

    id: int
    sender: str
    receiver: str
    priority: str
    slots: int
    arena: int
    messages: int
    bytes: int
    drops: int
    depth: int
    received: int
    dropped: int
    p50: float
    p99: float


class Counts(NamedTuple):
    """Of one instance: of each link it sends on [messages, bytes, drops, depth, unread], of each it receives on
    [messages, dropped], and the histogram.
    """

    sent: Mapping[int, Sequence[int]]
    received: Mapping[int, tuple[Sequence[int], Sequence[int]]]


NOTHING = Counts({}, {})


def read(said: Any) -> Counts:
    """Of whatever an instance answered."""
    if not isinstance(said, list) or len(said) != 2:
        return NOTHING
    outs, ins = (
        [row for row in rows if isinstance(row, list) and row] if isinstance(rows, list) else [] for rows in said
    )
    sent = {_number(row[0]): [*map(_number, row[1:6]), 0, 0, 0, 0, 0][:5] for row in outs}
    received = {
        _number(row[0]): ([*map(_number, row[1:3]), 0, 0][:2], _histogram(row[3] if len(row) > 3 else []))
        for row in ins
    }
    return Counts(sent, received)


def _histogram(said: Any) -> list[int]:
    return [*map(_number, said[:_BUCKETS])] if isinstance(said, list) else []


def _number(value: Any) -> int:
    return value if type(value) is int and 0 <= value <= _MOST else 0


def row(ends: tuple[int, str, str, str, int, int], *, sender: Counts, receiver: Counts) -> Row:
    """`ends`: id, sender, receiver, priority, slots, arena."""
    messages, size, drops, depth, _ = sender.sent.get(ends[0], (0, 0, 0, 0, 0))
    (arrived, dropped), took = receiver.received.get(ends[0], ((0, 0), ()))
    return Row(*ends, messages, size, drops, depth, arrived, dropped, quantile(took, 0.5), quantile(took, 0.99))


def quantile(histogram: Sequence[int], share: float) -> float:
    """Microseconds that `share` of what was counted did not exceed; 0 where nothing was."""
    left = sum(histogram) * share
    for bits, count in enumerate(histogram):
        left -= count
        if left <= 0 and count:
            return float(1 << bits)
    return 0.0


def merged(rows: Iterable[Row]) -> list[Row]:
    """In the order people look for them."""
    return sorted(rows, key=lambda one: (one.sender, one.receiver, one.priority))
