"""Which zygote forks an instance: one generation for each (signer, level), and the next of each, armed and warm.

A generation ends after its share of forks, when its uids are used up, and when an instance of it crashed: siblings
share an address layout, and a crash may have told it. The next has uids of its own, so that it can be ready before; one
more, not armed yet, waits for a signer who comes first, or to become the next of somebody.
"""

import asyncio
import contextlib
import platform
from collections.abc import Coroutine, Iterator
from typing import Any

from exod.errors import Refused
from exod.sandbox import seccomp
from exod.sandbox.generation import Zygote
from exod.sandbox.lease import Lease
from exod.sandbox.uids import Block, Uids

Key = tuple[str, str]
Making = asyncio.Task[Zygote]


class Nursery:
    def __init__(self, lease: Lease, *, uids: Uids, group: int, forks: int) -> None:
        self._lease, self._uids, self._group, self._forks = lease, uids, group, forks
        self._filters = [seccomp.zygote(platform.machine()), *seccomp.profiles(platform.machine())]
        self._living: dict[Key, Zygote] = {}
        self._leaving: list[Zygote] = []
        self._locks: dict[Key, asyncio.Lock] = {}
        self._next: dict[Key, tuple[Block, Making]] = {}
        self._spare: Making | None = None
        self._closed = False

    def warm(self) -> None:
        """Has a spare made for anybody, unless there is one."""
        if self._spare is None and not self._closed:
            self._spare = _begun(self._fresh())

    def provide(self, key: Key) -> None:
        """Has the generation made that `key` would need if the one in use went, unless there is one."""
        if key in self._next or self._closed:
            return
        used = self._living[key].block if key in self._living else Block(0)
        with contextlib.suppress(Refused):  # no uids left for it: the one in use goes on with what it has
            block = self._uids.ahead(key, used=used)
            self._next[key] = block, _begun(self._armed(block))

    async def generation(self, key: Key, *, uid: int) -> Zygote:
        """The zygote that may fork an instance of `key` with `uid`."""
        async with self._locks.setdefault(key, asyncio.Lock()):
            zygote = self._living.get(key)
            if zygote is None or not self._fit(zygote, uid):
                if self._uids.is_left(key, uid):
                    return await self._for_one(self._uids.block(uid))
                self.retire(key)
                zygote = self._living[key] = await self._successor(key, uid)
            if zygote.forks + 1 >= self._forks:
                self._uids.leave(key, zygote.block)
            return zygote

    def retire(self, key: Key, *, of: Zygote | None = None) -> None:
        """The next instance of `key` comes from another generation; with `of`, only if that is the one in use."""
        if key in self._living and of in (None, self._living[key]):
            zygote = self._living.pop(key)
            self._uids.leave(key, zygote.block)
            zygote.retire()
            self._keep(zygote)

    def zygotes(self) -> Iterator[tuple[Key, str, Zygote]]:
        """Each by what it is for; not those that are just being made."""
        yield from ((key, "in-use", zygote) for key, zygote in self._living.items())
        yield from ((key, "next", made.result()) for key, (_, made) in self._next.items() if _is_made(made))
        if self._spare is not None and _is_made(self._spare):
            yield ("", ""), "spare", self._spare.result()

    def renew(self) -> None:
        """No instance comes from a zygote of before."""
        keys = list(self._living)
        self.close()
        self._closed = False
        self.warm()
        for key in keys:
            self.provide(key)

    def close(self) -> None:
        self._closed = True
        for zygote in (*self._living.values(), *self._leaving):
            zygote.close()
        for made in (*(made for _, made in self._next.values()), self._spare):
            if made is not None and not made.cancel():
                _let_go(made)
        self._living.clear()
        self._leaving.clear()
        self._next.clear()
        self._spare = None

    def _keep(self, zygote: Zygote) -> None:
        """Until it has left by itself."""
        self._leaving = [one for one in (*self._leaving, zygote) if one.descriptor >= 0]

    def _fit(self, zygote: Zygote, uid: int) -> bool:
        return zygote.alive and zygote.forks < self._forks and zygote.block.holds(uid)

    async def _successor(self, key: Key, uid: int) -> Zygote:
        if key in self._next and self._next[key][0].holds(uid):
            with contextlib.suppress(OSError, Refused):  # it could not be made; another may be
                if (zygote := await _alive(self._next.pop(key)[1])) is not None:
                    return zygote
        return await self._armed(self._uids.block(uid))

    async def _for_one(self, block: Block) -> Zygote:
        """For a start whose generation went while it was at work: it must not take away the one that others use now."""
        zygote = await self._armed(block)
        zygote.single = True
        self._keep(zygote)
        return zygote

    async def _armed(self, block: Block) -> Zygote:
        spare, self._spare = self._spare, None
        zygote = (await _alive(spare) if spare is not None else None) or await self._fresh()
        self.warm()
        try:
            await zygote.arm(block, group=self._group, filters=self._filters)
        except BaseException:
            zygote.close()
            raise
        return zygote

    async def _fresh(self) -> Zygote:
        pid, channel, descriptor = await self._lease.zygote()
        return Zygote(pid=pid, channel=channel, descriptor=descriptor)


def _begun(making: Coroutine[Any, Any, Zygote]) -> Making:
    """Whoever takes it hears of its failure; nobody may ever take it."""
    task = asyncio.get_running_loop().create_task(making)
    task.add_done_callback(_is_made)
    return task


def _is_made(making: Making) -> bool:
    return making.done() and not making.cancelled() and making.exception() is None


def _let_go(making: Making) -> None:
    if _is_made(making):
        making.result().close()


async def _alive(making: Making) -> Zygote | None:
    """None for one that ended meanwhile. Whoever stops waiting leaves none behind."""
    try:
        zygote = await making
    except asyncio.CancelledError:
        making.add_done_callback(_let_go)
        raise
    if zygote.alive:
        return zygote
    zygote.close()
    return None
