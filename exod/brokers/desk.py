"""What instances ask of exod over their channels, each question by the broker that answers it.

Wired once, by the supervisor; a broker more is a line more here.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from exod.brokers.config import steps as config
from exod.brokers.network import steps as network
from exod.brokers.network.resolver import Resolver
from exod.brokers.router import counts
from exod.brokers.router import steps as router
from exod.brokers.router import world as routing
from exod.brokers.router.counts import Counts, Row
from exod.brokers.router.steps import Router
from exod.brokers.router.world import Asker
from exod.errors import Refused
from exod.package.options import Value
from exod.supervisor.ports import Caller, Clock, Want, Wanted

_COUNTS = Wanted("links", "", "")
_EXOD = Caller("exod", 0)
_COUNT_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Asked:
    """read, write: settings of a plugin, as brokers/config has it. note: into the audit. spawn: a task, watched."""

    read: Callable[[str], Mapping[str, Value]]
    write: Callable[[str, Mapping[str, Value], str], Awaitable[None]]
    note: Callable[..., None]
    spawn: Callable[..., object]
    clock: Clock


class Desk:
    def __init__(self, world: Asked, *, resolver_uid: int) -> None:
        note, now, spawn = world.note, world.clock.monotonic, world.spawn
        self._resolver = Resolver(uid=resolver_uid)
        self._config = config.Config(config.World(world.read, world.write, note, now, spawn))
        self._network = network.Network(network.World(note, now, spawn, self._resolver.resolve))
        self._router = Router(routing.World(note, now, world.clock.sleep, spawn))
        self._asking = asyncio.Lock()
        self._rows: Sequence[Row] | None = None

    def wanted(self, asker: Asker, want: Want) -> None:
        """From the loop; the answer comes later, through the asker's channel."""
        if want.kind in router.KINDS:
            self._router.wanted(asker, want)
        elif want.kind == "connect":
            self._network.wanted(asker, want)
        else:
            self._config.wanted(asker, want)

    def gone(self, asker: Asker) -> None:
        """Twice is fine."""
        self._router.gone(asker)

    def changed(self, asker: Asker) -> None:
        """Its Confinement is another, from the next use on."""
        self._router.changed(asker)

    async def links(self) -> Sequence[Row]:
        """All there are, with what both ends say of each; an instance that does not answer at once counted nothing. Who
        asks while others wait is told the same: instances are asked once, however many users ask.
        """
        alone = not self._asking.locked()
        async with self._asking:
            if alone or self._rows is None:
                self._rows = None  # should nobody wait for it in the end
                self._rows = await self._count()
            return self._rows

    async def _count(self) -> Sequence[Row]:
        found = self._router.links()
        ends = {one.id: one for link in found for one in (link.sender, link.receiver)}
        said = dict(zip(ends, await asyncio.gather(*map(_counts, ends.values())), strict=True))
        rows = []
        for link in found:
            one, other, shape = link.sender, link.receiver, link.shape
            who = (link.id, one.plugin, other.plugin, shape.priority, shape.slots, shape.arena)
            rows.append(counts.row(who, sender=said[one.id], receiver=said[other.id]))
        return counts.merged(rows)

    async def close(self) -> None:
        self._router.close()
        await self._resolver.close()


class Nobody:
    """Where nothing is asked: a roster on its own."""

    def wanted(self, asker: Asker, want: Want) -> None: ...
    def gone(self, asker: Asker) -> None: ...
    def changed(self, asker: Asker) -> None: ...


async def _counts(asker: Asker) -> Counts:
    try:
        async with asyncio.timeout(_COUNT_SECONDS):  # the question's own stands still while the plugin is suspended
            return counts.read(await asker.line().ask(_COUNTS, _EXOD, deadline=_COUNT_SECONDS))
    except (Refused, TimeoutError):
        return counts.NOTHING
