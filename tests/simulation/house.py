"""A host with a disk, a keeper and, one after the other, incarnations of the daemon's supervisor."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from exod.plan.confine import Host as Machine
from exod.plan.policy import Policy
from exod.plan.steps import Step, decode
from exod.settings import Settings
from exod.supervisor.lifecycle import State, is_legal
from exod.supervisor.ports import Caller, World
from exod.supervisor.supervisor import Request, Supervisor, Verb
from exod.supervisor.views import JobView
from tests.simulation.disk import (
    Disk,
    FakeAudit,
    FakeData,
    FakeLint,
    FakePackages,
    FakeRegistry,
    FakeTrustFile,
    FakeTrustSource,
)
from tests.simulation.fate import Fate, Trace
from tests.simulation.fleet import FakeResources, FakeSandbox, Host
from tests.simulation.loop import VirtualLoop
from tests.simulation.packages import FakeGate, Kit

ROOT = Caller(":1.1", 0)
MACHINE = Machine("x86_64", "6.18.5")
RESTING = (State.LOADED, State.RUNNING, State.SUSPENDED)
EPOCH = 1_790_000_000.0


class VirtualClock:
    """`offset` is what clock jumps added to wall time."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop
        self.offset = EPOCH

    def time(self) -> float:
        return self.offset + self._loop.time()

    def monotonic(self) -> float:
        return self._loop.time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


@dataclass
class FakeFace:
    """Remembers what was shown; checks each change of state that it can see."""

    fate: Fate
    supervisor: Supervisor | None = None
    offered: dict[str, Sequence[Any]] = field(default_factory=dict)
    said: list[tuple[Any, ...]] = field(default_factory=list)
    states: dict[str, State] = field(default_factory=dict)
    moves: list[tuple[State, State]] = field(default_factory=list)

    def plugin(self, name: str) -> None:
        if self.supervisor is None or name not in self.supervisor.plugins:
            self.states.pop(name, None)
            return
        new = State(self.supervisor.plugins[name].state)
        # What was taken over is first seen in the state it was in.
        old = self.states.get(name, new if new in RESTING else State.UNLOADED)
        if new is not old:
            self.moves.append((old, new))
            assert is_legal(old, new), f"{name}: {old.word} → {new.word}"
        self.states[name] = new

    def instance(self, instance: int) -> None:
        pass

    def job(self, job: int) -> None:
        pass

    def daemon(self) -> None:
        pass

    def offer(self, plugin: str, services: Sequence[Any]) -> None:
        self.offered[plugin] = services

    def withdraw(self, plugin: str) -> None:
        self.offered.pop(plugin, None)

    def emit(self, plugin: str, service: str, signal: str, arguments: Sequence[Any]) -> None:
        self.said.append(("emit", plugin, service, signal, tuple(arguments)))

    def changed(self, plugin: str, service: str, properties: Mapping[str, Any]) -> None:
        self.said.append(("changed", plugin, service, dict(properties)))


@dataclass
class House:
    """One host. `boot` starts the next incarnation of the daemon in the running virtual loop."""

    loop: VirtualLoop
    random: Random = field(default_factory=lambda: Random(0))
    appetite: Random = field(default_factory=lambda: Random(0))
    disk: Disk = field(default_factory=Disk)
    host: Host = field(default_factory=Host)
    trace: Trace = field(default_factory=Trace)

    def __post_init__(self) -> None:
        self.trace.loop = self.loop
        self.clock = VirtualClock(self.loop)
        self.disk.inputs = replace(self.disk.inputs, policies=self.critical(self.random))
        self.incarnation(Fate(self.random, self.trace))

    def incarnation(self, fate: Fate, *, settings: Settings = Settings()) -> Supervisor:  # noqa: B008 - frozen
        self.fate = fate
        self.past = {job.id for job in self.disk.jobs.values() if job.state != "running"}
        self.asked = 0
        self.turned_away = 0
        self.sandbox = FakeSandbox(self.host, fate)
        self.resources = FakeResources(self.host, fate)
        self.audit = FakeAudit(self.disk, fate)
        self.face = FakeFace(fate)
        self.failures: list[BaseException] = []
        world = World(
            clock=self.clock,
            chance=self.random,
            registry=FakeRegistry(self.disk, fate),
            packages=FakePackages(self.disk, fate),
            trust_file=FakeTrustFile(self.disk, fate),
            trust_source=FakeTrustSource(self.disk),
            data=FakeData(self.disk, fate),
            audit=self.audit,
            sandbox=self.sandbox,
            resources=self.resources,
            open_channel=self.sandbox.open,
            face=self.face,
            lint=FakeLint(fate),
        )
        self.supervisor = Supervisor(
            world,
            settings=settings,
            host=MACHINE,
            gate=FakeGate(),
            checkpoint=fate.checkpoint,
            failed=self.failures.append,
        )
        self.face.supervisor = self.supervisor
        return self.supervisor

    def critical(self, random: Random) -> Mapping[str, Policy]:
        """plugins.d: some may be restarted after a crash."""
        chances = {name: random.random() for name in ("alpha", "beta", "gamma")}
        lint = {name: "off" if one < 0.1 else "warn" if one < 0.8 else "refuse" for name, one in chances.items()}
        return {name: Policy(critical=one < 0.5, lint=lint[name]) for name, one in chances.items()}

    async def boot(self, fate: Fate | None = None) -> Supervisor:
        """A new daemon on what the last one left; returns when desired state is restored."""
        supervisor = self.incarnation(fate or Fate(self.random, self.trace))
        self.trace.note("BOOT")
        await supervisor.start()
        await supervisor.restored.wait()
        return supervisor

    async def do(self, verb: Verb | str, plugin: str = "", kit: Kit | None = None, **options: Any) -> JobView:
        """One request to its end."""
        return await self.supervisor.finished(self.supervisor.submit(self.request(verb, plugin, kit, **options)))

    async def load(self, kit: Kit = Kit(), **options: Any) -> JobView:  # noqa: B008 - frozen
        return await self.do(Verb.LOAD, kit=kit, **({"start": True} | options))

    def request(self, verb: Verb | str, plugin: str = "", kit: Kit | None = None, **options: Any) -> Request:
        return Request(Verb(verb), ROOT, plugin, kit.data() if kit is not None else None, options)

    def executed(self, job: int) -> tuple[Step, ...]:
        """The plan that a job journalled; nothing when there was nothing to do."""
        steps = self.disk.jobs[job].steps
        return decode(steps).steps if steps else ()

    def fresh_fate(self) -> Fate:
        return Fate(self.random, self.trace)

    async def quiet(self, *, steps: int = 100) -> None:
        """Lets everything run that waits for no timer."""
        for _ in range(steps):
            await asyncio.sleep(0)

    async def died(self) -> None:
        dead = asyncio.Event()
        self.fate.on_death = dead.set
        if not self.fate.dead:
            await dead.wait()

    @property
    def root(self) -> Caller:
        return ROOT

    def events(self, event: str) -> list[dict[str, str]]:
        return [fields for name, fields in self.audit.written if name == event]


def played(test: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    """A test of one scenario: the async function gets a house whose daemon runs, on a virtual clock of its own."""

    def run(**arguments: Any) -> None:
        loop = VirtualLoop()
        house = House(loop)
        house.disk.inputs = replace(house.disk.inputs, policies={})

        async def scene() -> None:
            await house.boot()
            await test(house, **arguments)
            assert house.failures == []

        try:
            loop.run_until_complete(scene())
            assert loop.errors == []
        finally:
            loop.abandon()
            loop.close()

    rest = list(inspect.signature(test).parameters.values())[1:]
    run.__signature__ = inspect.Signature(rest)  # type: ignore[attr-defined]
    run.__name__, run.__module__, run.__doc__ = test.__name__, test.__module__, test.__doc__
    return run
