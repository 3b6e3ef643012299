"""Plugins as the router has them: the SDK's real mail behind a line that hands frames and descriptors over at once."""

import asyncio
import itertools
import os
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from exod.brokers.router.steps import Router
from exod.brokers.router.world import World
from exod.errors import Refusal, Refused
from exod.package.services import Service
from exod.plan.confine import Confinement
from exod.supervisor.ports import Want
from exosdk import wire
from exosdk.mail import Mail
from exosdk.message import Message
from tests.exosdk.instances import confinement

PATIENCE = 10.0


@dataclass
class Town:
    """A router, what it wrote into the audit, and the plugins that ask it. Its clock stands still unless it sleeps."""

    audit: list[Mapping[str, Any]] = field(default_factory=list)
    tasks: set["asyncio.Task[None]"] = field(default_factory=set)
    seconds: float = 0.0

    def __post_init__(self) -> None:
        self.numbers = itertools.count(1)
        self.router = Router(World(self.note, lambda: self.seconds, self.sleep, self.spawn))

    def plugin(self, name: str, *ipc: str, held: bool = True, **more: Any) -> "Plugin":
        """A running one, which has said that it takes links."""
        made = Plugin(self, name, next(self.numbers), ipc or ("*",), **more)
        if held:
            made.mail.report()
        return made

    def note(self, event: str, source: str, by: str, /, **fields: Any) -> None:
        assert (event, source, by) == ("link", "broker", f"plugin {fields['plugin']}")
        self.audit.append(fields)

    def spawn(self, work: Any, name: str) -> None:
        task = asyncio.get_running_loop().create_task(work, name=name)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def sleep(self, seconds: float) -> None:
        self.seconds += seconds
        await asyncio.sleep(0)

    async def quiet(self) -> None:
        """Until nothing is under way."""
        while self.tasks:
            await asyncio.gather(*self.tasks)
        for _ in range(4):
            await asyncio.sleep(0)


@dataclass
class Plugin:
    """`obeys`: whether it does as it is told. `reads`: whether its channel takes anything. frames: all it was told."""

    town: Town
    plugin: str
    id: int
    ipc: tuple[str, ...]
    kind: str = "custom"
    services: tuple[Service, ...] = ()
    native: bool = False
    obeys: bool = True
    reads: bool = True
    there: bool = True
    frames: list[wire.Down] = field(default_factory=list)
    heard: list[Message] = field(default_factory=list)
    told: list[tuple[Any, str]] = field(default_factory=list)
    asked: dict[int, Callable[[Any, str], Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.mail = Mail(
            self.plugin, ask=self.ask, tell=lambda *want: self.want(0, *want), clock=time, patience=2.0, note=print
        )
        self.mail.on_message = self.heard.append
        self.mail.exchange.running = True

    @property
    def confinement(self) -> Confinement:
        permissions = {"ipc": self.ipc} | ({"native": ("true",)} if self.native else {})
        return replace(
            confinement(), plugin=self.plugin, type=self.kind, permissions=permissions, services=self.services
        )

    def line(self) -> Any:
        if not self.there:
            raise Refused(Refusal("instance-lost", f"cannot reach {self.plugin}: it is gone"))
        return self

    def tell(self, frame: wire.Down, *descriptors: int) -> bool:
        wire.encode(frame)
        if not self.reads:
            return False
        self.frames.append(frame)
        if self.obeys:
            copies = tuple(map(os.dup, descriptors))
            asyncio.get_running_loop().call_soon(self.obey, frame, copies)
        return True

    def obey(self, frame: wire.Down, descriptors: tuple[int, ...]) -> None:
        match frame:
            case wire.Given():
                then = self.asked.pop(frame.id, None)
                if then is not None:
                    then(wire.unpack(frame.value), frame.refused)
            case wire.Lay() | wire.Join() | wire.Part() | wire.House():
                self.mail.exchange.hear(frame, descriptors)
            case wire.Route():
                self.mail.route(frame.receiver, frame.patterns)

    def ask(self, kind: str, key: str, value: Any, then: Callable[[Any, str], Any]) -> None:
        number = next(self.town.numbers)
        self.asked[number] = then
        self.want(number, kind, key, value)

    def want(self, number: int, kind: str, key: str, value: Any) -> None:
        """As it comes over the channel: tuples are lists then."""
        plain = wire.unpack(wire.pack(value))
        self.town.router.wanted(self, Want(number, kind, key, plain))

    def send(self, to: str, data: bytes, *, priority: str = "normal") -> None:
        self.mail.send(to, data, type_=3, priority=priority, seconds=None)

    def then(self, value: Any, refused: str) -> None:
        self.told.append((value, refused))

    async def until(self, reached: Callable[[], object]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not reached():
                self.mail.turn()
                await asyncio.sleep(0)

    def parted(self) -> list[str]:
        return [frame.reason for frame in self.frames if isinstance(frame, wire.Part)]

    def die(self) -> None:
        self.there = False
        self.town.router.gone(self)


async def linked(town: Town, one: Plugin, other: Plugin, *, priority: str = "normal") -> None:
    before = len(other.heard)
    one.send(other.plugin, b"first", priority=priority)
    await other.until(lambda: len(other.heard) > before)
    await town.quiet()


@asynccontextmanager
async def town() -> AsyncIterator[Town]:
    """Nothing is left of it: no link, no task, no descriptor."""
    before = set(os.listdir("/proc/self/fd"))
    made = Town()
    plugins: list[Plugin] = []
    making = made.plugin

    def plugin(*args: Any, **kwargs: Any) -> Plugin:
        plugins.append(making(*args, **kwargs))
        return plugins[-1]

    made.plugin = plugin  # type: ignore[method-assign]
    yield made
    for one in plugins:
        one.die()
    await made.quiet()
    for one in plugins:
        one.mail.exchange.close("over")
        for house in one.mail.exchange._houses:
            house.close()
    made.router.close()
    assert not made.router._links._all
    assert not made.router._links._of
    assert not made.router._openings
    assert not made.router._doorbells._houses
    assert not made.router._laid
    assert set(os.listdir("/proc/self/fd")) <= before
