"""Values by time → at most so many points: each the least, the mean and the greatest of a stretch of time. Pure.

They come in parts, and no part is needed any more when the next one comes: a day of samples never is in memory at once.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import chain

Point = tuple[float, float, float, float]
"""Seconds since 1970 of the stretch's first value; its least, mean and greatest value."""
Part = tuple[Sequence[float], Sequence[float], float]
"""Times in milliseconds, in order; as many numbers; and what these are to be divided by to be values."""


def points(parts: Iterable[Part], begin: float, end: float, most: int) -> list[Point]:
    """All times lie from `begin` to `end`. Up to `most` values are points of their own; more are gathered by stretches
    of the same length, of which one without a value has no point.
    """
    coming, held, count = iter(parts), list[Part](), 0
    for part in coming:
        held.append(part)
        count += len(part[0])
        if count > most:
            return _gathered(chain(held, coming), begin, end, most)
    single = [
        (time, number / scale) for times, numbers, scale in held for time, number in zip(times, numbers, strict=True)
    ]
    return [(time / 1000, value, value, value) for time, value in sorted(single, key=lambda pair: pair[0])]


class _Bucket:
    """Its parts may come in any order."""

    __slots__ = ("count", "greatest", "least", "time", "total")

    def __init__(self, time: float, numbers: Sequence[float], scale: float) -> None:
        self.time, self.least, self.greatest = time, min(numbers) / scale, max(numbers) / scale
        self.total, self.count = sum(numbers) / scale, len(numbers)

    def add(self, more: "_Bucket") -> None:
        self.time, self.least = min(self.time, more.time), min(self.least, more.least)
        self.greatest = max(self.greatest, more.greatest)
        self.total, self.count = self.total + more.total, self.count + more.count

    def point(self) -> Point:
        """The mean of numbers that are too large to be added up lies between them all the same."""
        mean = min(max(self.total / self.count, self.least), self.greatest)
        return self.time / 1000, self.least, mean, self.greatest


def _gathered(parts: Iterable[Part], begin: float, end: float, most: int) -> list[Point]:
    length = (end - begin) / most or 1.0
    found: dict[int, _Bucket] = {}
    for times, numbers, scale in parts:
        at = 0
        while at < len(times):
            number = min(int((times[at] - begin) / length), most - 1)
            to = len(times) if number == most - 1 else bisect_left(times, begin + (number + 1) * length, at + 1)
            bucket = _Bucket(times[at], numbers[at:to], scale)
            if number in found:
                found[number].add(bucket)
            else:
                found[number] = bucket
            at = to
    return [found[number].point() for number in sorted(found)]
