"""Functions to call again and again, on a clock that is given; runs nothing by itself.

A call that comes late (a long method, a suspension) is not made up for: the next is one interval later.
"""

import heapq
from collections.abc import Callable
from itertools import count
from typing import Any

SHORTEST = 0.01
"""Seconds; faster work belongs on a ring, not on a timer."""


class Timer:
    """A handle to end it; ending it twice is fine."""

    __slots__ = ("_cancelled", "function", "seconds")

    def __init__(self, seconds: float, function: Callable[[], Any]) -> None:
        self.seconds = seconds
        self.function = function
        self._cancelled = False

    @property
    def active(self) -> bool:
        return not self._cancelled

    def cancel(self) -> None:
        self._cancelled = True


class Timers:
    """Ordered by when they are due."""

    __slots__ = ("_due", "_order")

    def __init__(self) -> None:
        self._due: list[tuple[float, int, Timer]] = []
        self._order = count()

    def every(self, seconds: float, function: Callable[[], Any], *, now: float) -> Timer:
        if not seconds >= SHORTEST:
            raise ValueError(f"a timer needs at least {SHORTEST} seconds, not {seconds}")
        timer = Timer(seconds, function)
        self._push(timer, now)
        return timer

    def wait(self, now: float) -> float | None:
        """Seconds until the next one is due, or None."""
        while self._due and not self._due[0][2].active:
            heapq.heappop(self._due)
        return max(0.0, self._due[0][0] - now) if self._due else None

    def take(self, now: float) -> Timer | None:
        """One timer that is due, already set for its next time."""
        if self.wait(now) != 0.0:
            return None
        timer = heapq.heappop(self._due)[2]
        self._push(timer, now)
        return timer

    def clear(self) -> None:
        for _, _, timer in self._due:
            timer.cancel()
        self._due.clear()

    def _push(self, timer: Timer, now: float) -> None:
        heapq.heappush(self._due, (now + timer.seconds, next(self._order), timer))
