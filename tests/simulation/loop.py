"""An event loop that never waits: when nothing is ready, its time jumps to the next timer.

It opens no selector and no self-pipe (what it would wait for does not exist here), so a run costs only what it runs.
"""

import asyncio
import heapq
from typing import Any


class Stalled(Exception):
    """Everything waits for something that nothing will bring."""


class VirtualLoop(asyncio.base_events.BaseEventLoop):
    """`elapsed` is virtual seconds since the loop was made."""

    def __init__(self) -> None:
        super().__init__()
        self.elapsed = 0.0
        self.errors: list[dict[str, Any]] = []
        self._selector = _Nothing(self)
        self.set_exception_handler(lambda loop, context: self.errors.append(context))

    def time(self) -> float:
        return self.elapsed

    def _process_events(self, event_list: list[Any]) -> None:
        pass

    def _write_to_self(self) -> None:
        pass

    def abandon(self) -> None:
        """The process is gone: nothing scheduled ever runs, and no one waits for it."""
        self._ready.clear()
        self._scheduled.clear()
        for task in asyncio.all_tasks(self):
            task._log_destroy_pending = False  # type: ignore[attr-defined]


class _Nothing:
    """The selector's place. Waiting is refused: it would be for ever."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop

    def select(self, timeout: float | None) -> list[Any]:
        if timeout is None:
            if not self._loop._stopping:
                raise Stalled("nothing is ready and no timer is set")
        elif timeout > 0:
            self._loop.elapsed = max(self._loop.elapsed, _next(self._loop))
        return []


def _next(loop: VirtualLoop) -> float:
    while loop._scheduled and loop._scheduled[0]._cancelled:
        handle = heapq.heappop(loop._scheduled)
        handle._scheduled = False
        loop._timer_cancelled_count -= 1
    return loop._scheduled[0]._when if loop._scheduled else loop.elapsed
