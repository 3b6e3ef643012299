"""Blocking work → a result on the loop, through one thread: everything the daemon writes is written in one order.

Refuses nothing; whatever the work raises reaches the one who waits. A waiter that is cancelled does not stop its work:
a change that has been asked for happens, and what undoes it is queued behind it.
"""

import asyncio
import contextlib
import queue
import threading
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


class Writer:
    """At most `limit` pieces of work wait; further callers of `submit` wait for room, in the order of their calls."""

    def __init__(self, *, limit: int = 1024) -> None:
        self._items: queue.SimpleQueue[Callable[[], object] | None] = queue.SimpleQueue()
        self._room = asyncio.Semaphore(limit)
        self._closed = False
        # A daemon thread: an exit that forgot `close` must not hang for ever on a full disk.
        self._thread = threading.Thread(target=_work, args=(self._items,), name="exod-writer", daemon=True)
        self._thread.start()

    async def submit(self, work: Callable[[], T]) -> T:
        """Run `work` in the thread, after all that was submitted before; return its result or raise what it raised."""
        await self._room.acquire()
        if self._closed:
            self._room.release()
            raise RuntimeError("internal error: the writer is closed")
        future = self._put(work)
        future.add_done_callback(lambda _: self._room.release())
        return await asyncio.shield(future)

    def post(self, work: Callable[[], object]) -> None:
        """Queue `work` that nobody waits for and that must not raise; never blocks, does nothing once closed."""
        if not self._closed:
            self._items.put(work)

    async def close(self) -> None:
        """Finish what is queued, then end the thread; twice is fine."""
        if not self._closed:
            self._closed = True
            last = self._put(lambda: None)
            self._items.put(None)
            await asyncio.shield(last)
        self._thread.join()

    def _put(self, work: Callable[[], T]) -> asyncio.Future[T]:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()

        def run() -> None:
            try:
                result = work()
            except BaseException as error:  # belongs to the waiter, whatever it is
                call_on(loop, future.set_exception, error)
            else:
                call_on(loop, future.set_result, result)

        self._items.put(run)
        return future


def _work(items: "queue.SimpleQueue[Callable[[], object] | None]") -> None:
    while work := items.get():
        with contextlib.suppress(BaseException):  # of posted work: whatever it is, the thread goes on
            work()
        del work  # a package of 64 MiB must not stay until the next write


def call_on(loop: asyncio.AbstractEventLoop, function: Callable[..., Any], *arguments: object) -> None:
    """Call `function` on `loop`, from any thread; nothing when the loop closed first: then nobody waits any more."""
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(function, *arguments)
