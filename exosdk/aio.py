"""asyncio for a plugin that wants it: its loop has turns in the SDK's, so that coroutines and hooks share one thread.

    self.loop = aio.Loop(context)
    self.loop.spawn(self.work())

Imported only by who uses it: asyncio costs an instance some MB that it shares with nobody. Its loop is woken by an
eventfd, for the sandbox has no socketpair; what it opens (connections, servers) is bounded by the plugin's grants.
"""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from exosdk.context import Context, admit
from exosdk.links import LinkError


class _Selector(asyncio.SelectorEventLoop):
    """One iteration at a time, and without the socketpair that the usual one wakes itself with."""

    _internal_fds: int
    _selector: Any
    _ready: Any
    _scheduled: Any
    _add_reader: Callable[..., Any]
    _remove_reader: Callable[..., Any]

    def _make_self_pipe(self) -> None:
        self._bell = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._internal_fds += 1
        self._add_reader(self._bell, self._heard)

    def _close_self_pipe(self) -> None:
        self._remove_reader(self._bell)
        self._internal_fds -= 1
        os.close(self._bell)

    def _heard(self) -> None:
        os.eventfd_read(self._bell)

    def _write_to_self(self) -> None:
        """From whatever thread; after the end nobody listens."""
        if not self.is_closed():
            os.eventfd_write(self._bell, 1)

    def descriptor(self) -> int:
        return int(self._selector.fileno())

    def until(self) -> float | None:
        """Seconds until the next iteration has to be."""
        due: float | None = None
        if self._scheduled:
            due = max(0.0, self._scheduled[0].when() - self.time())
        return 0.0 if self._ready else due


class Loop:
    """A plugin's coroutines. At `stop` all of them are cancelled, and have a second to end."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._loop = _Selector()
        self._loop.set_exception_handler(self._failed)
        self._tasks: set[asyncio.Task[Any]] = set()
        admit(context, self, self._loop.descriptor())

    def spawn(self, work: Coroutine[Any, Any, Any], *, name: str = "") -> "asyncio.Task[Any]":
        """What it raises is in the log, unless somebody awaits it."""
        task = self._loop.create_task(work, name=name or None)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def request(self, to: str, data: Any, **how: Any) -> Any:
        """`Context.request`, awaited: the answer's bytes. Raises LinkError with the reason there is none."""
        return await self._awaited(lambda then: self._context.request(to, data, then, **how))

    async def call(self, plugin: str, method: str, *arguments: Any, seconds: float | None = None) -> Any:
        """Another plugin's service, awaited. Raises LinkError."""
        service = self._context.service(plugin, seconds=seconds)
        return await self._awaited(lambda then: getattr(service, method)(*arguments, then=then))

    def _awaited(self, ask: Callable[[Callable[[Any, str], None]], Any]) -> Awaitable[Any]:
        """What was lent is copied: the message is over before the coroutine goes on."""
        answer = self._loop.create_future()

        def then(value: Any, refused: str) -> None:
            if answer.done():
                return
            if refused:
                answer.set_exception(LinkError(refused))
            else:
                answer.set_result(bytes(value) if isinstance(value, memoryview) else value)

        ask(then)
        return answer

    # --- as a guest of the SDK's loop ----------------------------------------------------------------------------

    def wait(self) -> float | None:
        return None if self._loop.is_closed() else self._loop.until()

    def turn(self) -> None:
        """One iteration, which waits for nothing."""
        if not self._loop.is_closed() and (self._tasks or self._loop.until() is not None):
            self._loop.call_soon(self._loop.stop)
            self._loop.run_forever()

    def stop(self) -> None:
        """Coroutines that do not end when they are cancelled are left where they are."""
        until = time.monotonic() + 1.0
        for task in tuple(self._tasks):
            task.cancel()
        while self._tasks and time.monotonic() < until:
            self.turn()

    def _failed(self, _loop: asyncio.AbstractEventLoop, what: dict[str, Any]) -> None:
        self._context.log.error("%s: %r", what.get("message", "a coroutine failed"), what.get("exception"))
