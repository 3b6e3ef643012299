"""Tasks that outlive the call that began them, and end with the supervisor: none is lost, none is forgotten.

A TaskGroup would end all when one fails; here one broken job must not touch the others, so failures are handed on.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any


class Tasks:
    def __init__(self, *, failed: Callable[[BaseException], None]) -> None:
        self._running: set[asyncio.Task[None]] = set()
        self._failed = failed
        self._closed = False

    def spawn(self, work: Coroutine[Any, Any, None], *, name: str) -> None:
        if self._closed:
            work.close()
            return
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._running.add(task)
        task.add_done_callback(self._over)

    def _over(self, task: "asyncio.Task[None]") -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._failed(error)

    async def close(self) -> None:
        """Cancels what still runs and waits for it; nothing can be spawned afterwards."""
        self._closed = True
        for task in tuple(self._running):
            task.cancel()
        while self._running:
            await asyncio.wait(tuple(self._running))
