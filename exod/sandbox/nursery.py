"""Which zygote forks an instance: one generation for each (signer, level), and a warm spare for the next.

A generation ends after its share of forks, when its uids are used up, and when an instance of it crashed: siblings
share an address layout, and a crash may have told it.
"""

import asyncio
import platform
from collections.abc import Callable

from exod.sandbox import seccomp
from exod.sandbox.generation import Zygote
from exod.sandbox.lease import Lease
from exod.sandbox.uids import Block

Key = tuple[str, str]


class Nursery:
    def __init__(self, lease: Lease, *, block: Callable[[int], Block], group: int, forks: int) -> None:
        self._lease, self._block, self._group, self._forks = lease, block, group, forks
        self._filters = seccomp.profiles(platform.machine())
        self._living: dict[Key, Zygote] = {}
        self._leaving: list[Zygote] = []
        self._locks: dict[Key, asyncio.Lock] = {}
        self._spare: asyncio.Task[Zygote] | None = None
        self._closed = False

    def warm(self) -> None:
        """Has a spare made, unless there is one."""
        if self._spare is None and not self._closed:
            self._spare = asyncio.get_running_loop().create_task(self._fresh())
            self._spare.add_done_callback(_notice)

    async def generation(self, key: Key, *, uid: int) -> Zygote:
        """The zygote that may fork an instance of `key` with `uid`."""
        async with self._locks.setdefault(key, asyncio.Lock()):
            zygote = self._living.get(key)
            if zygote is not None and self._fit(zygote, uid):
                return zygote
            self.retire(key)
            zygote = await self._next()
            try:
                await zygote.arm(self._block(uid), group=self._group, filters=self._filters)
            except BaseException:
                zygote.close()
                raise
            self._living[key] = zygote
            return zygote

    def retire(self, key: Key) -> None:
        """The next instance of `key` comes from another generation."""
        if (zygote := self._living.pop(key, None)) is not None:
            zygote.retire()
            self._leaving = [one for one in (*self._leaving, zygote) if one.descriptor >= 0]

    def renew(self) -> None:
        """No instance comes from a zygote of before."""
        self.close()
        self._closed = False
        self.warm()

    def close(self) -> None:
        self._closed = True
        for zygote in (*self._living.values(), *self._leaving):
            zygote.close()
        self._living.clear()
        self._leaving.clear()
        spare, self._spare = self._spare, None
        if spare is not None and not spare.cancel() and spare.exception() is None:
            spare.result().close()

    def _fit(self, zygote: Zygote, uid: int) -> bool:
        return zygote.alive and zygote.forks < self._forks and zygote.block.holds(uid)

    async def _next(self) -> Zygote:
        spare, self._spare = self._spare, None
        zygote = await spare if spare is not None else await self._fresh()
        self.warm()
        if zygote.alive:
            return zygote
        zygote.close()
        return await self._fresh()

    async def _fresh(self) -> Zygote:
        pid, channel, descriptor = await self._lease.zygote()
        return Zygote(pid=pid, channel=channel, descriptor=descriptor)


def _notice(task: asyncio.Task[Zygote]) -> None:
    """Whoever takes the spare hears of its failure; nobody may ever take it."""
    if not task.cancelled():
        task.exception()
