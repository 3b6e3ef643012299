"""Blocking work → a result on the loop, through one thread: everything the daemon writes is written in one order.

Refuses nothing; whatever the work raises reaches the one who waits. A waiter that is cancelled does not stop its work:
a change that has been asked for happens, and what undoes it is queued behind it.
"""

import asyncio
import queue
import threading
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

T = TypeVar("T")


class _Item(NamedTuple):
    """`work` None ends the thread; without a future nobody waits, and the work handles its own errors."""

    work: Callable[[], Any] | None
    loop: asyncio.AbstractEventLoop | None
    future: "asyncio.Future[Any] | None"


class Writer:
    """At most `limit` pieces of work wait; further callers of `submit` wait for room, in the order of their calls."""

    def __init__(self, *, limit: int = 1024) -> None:
        self._items: queue.SimpleQueue[_Item] = queue.SimpleQueue()
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
        result: T = await asyncio.shield(future)
        return result

    def post(self, work: Callable[[], None]) -> bool:
        """Queue `work` that nobody waits for and that must not raise; never blocks. False when the writer is closed."""
        if self._closed:
            return False
        self._items.put(_Item(work, None, None))
        return True

    async def close(self) -> None:
        """Finish what is queued, then end the thread; twice is fine."""
        if not self._closed:
            self._closed = True
            await asyncio.shield(self._put(None))
        self._thread.join()

    def _put(self, work: Callable[[], Any] | None) -> "asyncio.Future[Any]":
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        self._items.put(_Item(work, loop, future))
        return future


def _work(items: "queue.SimpleQueue[_Item]") -> None:
    while True:
        item = items.get()
        result, error = None, None
        try:
            result = item.work() if item.work else None
        except BaseException as raised:  # belongs to the waiter, whatever it is
            error = raised
        _deliver(item, result, error)
        if item.work is None:
            return
        del item, result, error  # a package of 64 MiB must not stay until the next write


def _deliver(item: _Item, result: object, error: BaseException | None) -> None:
    if item.loop is None or item.future is None:
        return
    try:
        item.loop.call_soon_threadsafe(_settle, item.future, result, error)
    except RuntimeError:
        return  # the loop closed first: nobody waits any more


def _settle(future: "asyncio.Future[Any]", result: object, error: BaseException | None) -> None:
    if future.cancelled():
        return
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)
