"""Rows of values → series on disk, and back by name and time.

    add ─► journal (flushed each second) ─► at SEAL bytes: a frame, appended to the segments ─► the journal is emptied

A row is in the journal, in a frame, or for a moment in both: its number tells. Nothing here knows messages or buses.
"""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from frames import Column, encode
from journal import Journal
from segments import Segments

SEAL = 256 << 10
"""Bytes of the journal that become a frame."""
MOST_SERIES = 256
MOST_OF_ONE = 64
"""Series whose names begin with the same word: who publishes many names takes none away from others."""
_EVER = 1 << 60
Part = tuple[Sequence[float], Sequence[float], float]


class FullError(Exception):
    """More series than may be kept, or more rows than the disk takes."""


@dataclass(slots=True)
class Span:
    """Milliseconds of the oldest and the newest value, and how many there are."""

    first: int = _EVER
    last: int = -_EVER
    count: int = 0

    def add(self, first: int, last: int, count: int) -> None:
        self.first, self.last, self.count = min(self.first, first), max(self.last, last), self.count + count


class Store:
    """`directory` exists; all files in it are the store's. `most` bounds them together, in bytes."""

    def __init__(self, directory: str, *, most: int, seal: int = SEAL) -> None:
        self._seal_at = seal
        self._journal = Journal(directory)
        self._segments = Segments(directory, most=most - 2 * seal)
        self._pending: dict[str, Column] = {}
        self._fresh = 0
        self._number = 0

    @property
    def size(self) -> int:
        return self._segments.size + self._journal.size

    @property
    def samples(self) -> int:
        return self._segments.samples + self._fresh

    @property
    def due(self) -> bool:
        """So much waits that it should be flushed before the second is over."""
        return self._journal.waiting > self._seal_at // 2

    @property
    def damaged(self) -> int:
        return self._segments.damaged

    def open(self) -> None:
        self._number = self._segments.open()
        for row in self._journal.open():
            if row.number > self._number:
                self._number = row.number
                self._take(row.time, row.values)

    def bound(self, most: int) -> None:
        """From now on; the oldest goes at once."""
        self._segments.most = most - 2 * self._seal_at
        self._segments.make_room(0)

    def add(self, time: int, values: dict[str, float]) -> None:
        """One row, in milliseconds; on disk after the next `flush`. FullError when it is not taken."""
        if self._journal.size > 2 * self._seal_at:
            raise FullError("the disk takes no more")
        if not all(map(self.has, values)):
            self._admit(values)
        self._number += 1
        self._journal.add(self._number, time, values)
        self._take(time, values)

    def flush(self) -> None:
        """Everything that was added is on disk. OSError when it is not; the next flush tries again."""
        if self._journal.size >= self._seal_at:
            self._segments.append(encode(self._pending, through=self._number))
            self._pending.clear()
            self._fresh = 0
            self._journal.empty()
        elif self._journal.waiting:
            self._journal.flush()

    def close(self) -> None:
        self._journal.close()

    def has(self, name: str) -> bool:
        return name in self._pending or name in self._segments.index

    def spans(self) -> dict[str, Span]:
        """Of all series, as `span` of all times."""
        return {name: self.span(name, -_EVER, _EVER) for name in self._pending.keys() | self._segments.index.keys()}

    def span(self, name: str, first: int, last: int) -> Span:
        """Of what `parts` may give: its ends lie within the range, `count` may be more."""
        found = Span()
        for begin, end, count in self._stretches(name):
            if begin <= last and end >= first:
                found.add(max(begin, first), min(end, last), count)
        return found

    def parts(self, name: str, first: int, last: int) -> Iterator[Part]:
        """All from `first` to `last`, both included: times in milliseconds, and values as `columns.unpack_values` has
        them. Block by block in the order in which they came; within a part times that went back are put in order.
        """
        for times, numbers, scale in self._segments.read(name, first, last):
            yield *_between(*_ordered(times, numbers), first, last), scale
        if name in self._pending:
            column = self._pending[name]
            yield *_between(*_ordered(column.times, column.values), first, last), 1.0

    def _stretches(self, name: str) -> Iterator[tuple[int, int, int]]:
        for block in self._segments.index.get(name, ()):
            yield block.first, block.last, block.count
        if name in self._pending:
            times = self._pending[name].times
            yield min(times), max(times), len(times)

    def _admit(self, values: dict[str, float]) -> None:
        names = self._pending.keys() | self._segments.index.keys() | values.keys()
        of_each = Counter(name.partition("/")[0] for name in names)
        if len(names) > MOST_SERIES or max(of_each.values()) > MOST_OF_ONE:
            raise FullError(f"there are {MOST_SERIES} series, or {MOST_OF_ONE} of one publisher")

    def _take(self, time: int, values: dict[str, float]) -> None:
        self._fresh += len(values)
        for name, value in values.items():
            column = self._pending.get(name) or self._pending.setdefault(name, Column())
            column.times.append(time)
            column.values.append(value)


def _ordered(times: Sequence[float], values: Sequence[float]) -> tuple[Sequence[float], Sequence[float]]:
    ordered = sorted(times)
    if ordered == times:
        return times, values
    order = sorted(range(len(times)), key=times.__getitem__)
    return ordered, [values[at] for at in order]


def _between(
    times: Sequence[float], values: Sequence[float], first: int, last: int
) -> tuple[Sequence[float], Sequence[float]]:
    if not times or (first <= times[0] and times[-1] <= last):
        return times, values
    begin, end = bisect_left(times, first), bisect_right(times, last)
    return times[begin:end], values[begin:end]
