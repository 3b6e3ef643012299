"""The keeper and its instances, which outlive the daemon, and the sandbox and channel of one incarnation over them.

How an instance behaves stands in its package (`Kit.behaviour`): moment → conduct. Moments: prepare, spawn, hello,
walls, go, start, stop, suspend, resume, configure, call. Conducts: refuse, crash, hang, slow, lie. `later`: seconds
after `go` at which it dies by itself.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from exod.errors import Outcome, Refusal, Refused
from exod.plan.confine import Confinement
from exod.supervisor.ports import (
    Caller,
    Exit,
    Launch,
    Listener,
    Ready,
    Row,
    Subject,
    Survivor,
    Usage,
    Verdict,
    Wanted,
)
from exosdk import wire
from tests.simulation.fate import Fate
from tests.simulation.packages import unpack


@dataclass
class Process:
    instance: int
    pid: int
    nonce: bytes
    plugin: str
    behaviour: Mapping[str, Any]
    frozen: bool = False
    state: str = ""
    hook: str = ""
    count: int = 0
    heard: list[str] = field(default_factory=list)

    @property
    def cgroup(self) -> int:
        return 1000 + self.instance


@dataclass
class Host:
    """What exists whether or not a daemon lives."""

    processes: dict[int, Process] = field(default_factory=dict)
    prepared: set[int] = field(default_factory=set)
    next_pid: int = 100
    uids: int = 0
    epoch: int = 0
    over: dict[int, str] = field(default_factory=dict)
    """Instances that use too much, of which limit."""
    holder: "FakeSandbox | None" = None
    """Who has the lease: what happens by itself is told to that one."""

    def kill(self, instance: int) -> None:
        if self.holder is not None:
            self.holder.kill(instance)


def _refused(code: str, sentence: str) -> Refused:
    return Refused(Refusal(code, sentence, outcome=Outcome.FAILED))


class FakeSandbox:
    """`channels` are this incarnation's; a death is told to them and to the supervisor."""

    def __init__(self, host: Host, fate: Fate) -> None:
        self.host = host
        self._fate = fate
        self._on_exit: Callable[[Exit], None] = lambda end: None
        self._on_lost: Callable[[], None] = lambda: None
        self.channels: dict[int, FakeChannel] = {}
        self.refuse_attach = 0

    async def attach(self, *, on_exit: Callable[[Exit], None], on_lost: Callable[[], None]) -> Sequence[Survivor]:
        if self.refuse_attach:
            self.refuse_attach -= 1
            raise OSError(111, "no keeper")
        self._on_exit, self._on_lost = on_exit, on_lost
        self.host.epoch += 1
        self.host.holder = self
        living = self.host.processes.values()
        return [Survivor(one.instance, one.pid, one.nonce, one.cgroup, self.host.epoch) for one in living]

    def next_uid(self, *, signer: str, level: str) -> int:
        self.host.uids += 1
        return 2147000000 + self.host.uids

    async def prepare(self, launch: Launch) -> None:
        def act() -> None:
            self.host.prepared.add(launch.instance)

        await self._conduct(_behaviour(launch), "prepare")
        await self._fate.effect(f"sandbox.prepare {launch.instance}", act)

    async def spawn(self, launch: Launch) -> "FakeBorn":
        def act() -> Process:
            self.host.next_pid += 1
            process = Process(
                launch.instance, self.host.next_pid, launch.nonce, launch.confinement.plugin, _behaviour(launch)
            )
            self.host.processes[launch.instance] = process
            return process

        await self._conduct(_behaviour(launch), "spawn")
        process = await self._fate.effect(f"sandbox.spawn {launch.instance}", act)
        return FakeBorn(process.pid, process.cgroup, (self, process))

    def adopt(self, launch: Launch) -> "FakeBorn":
        process = self.host.processes.get(launch.instance)
        if process is None:
            raise _refused("instance-lost", "cannot adopt: it is gone")
        return FakeBorn(process.pid, process.cgroup, (self, process))

    def frozen(self, instance: int) -> bool:
        return instance in self.host.processes and self.host.processes[instance].frozen

    async def _conduct(self, behaviour: Mapping[str, Any], moment: str) -> None:
        conduct = behaviour.get(moment)
        if conduct == "refuse":
            raise _refused(f"{moment}-failed", f"cannot {moment}: the kernel said no")
        if conduct in ("hang", "slow"):
            await asyncio.sleep(1000 if conduct == "hang" else 1.5)

    async def inspect(self, instance: int) -> Mapping[str, str]:
        process = self.host.processes.get(instance)
        if process is None:
            raise _refused("instance-lost", "cannot inspect: it is gone")
        if process.behaviour.get("walls") == "refuse":
            raise _refused("walls-open", "cannot run: a wall is missing")
        return {"Seccomp": "2", "NoNewPrivs": "1", "CapBnd": "0"}

    async def loaded(self, instance: int) -> Mapping[str, str]:
        await self._conduct(self.host.processes[instance].behaviour, "loaded")
        await self._fate.effect(f"sandbox.loaded {instance}", lambda: None)
        return {"machine code": "loaded"}

    async def freeze(self, instance: int, *, frozen: bool) -> None:
        def act() -> None:
            process = self.host.processes.get(instance)
            if process is not None:
                process.frozen = frozen
            elif frozen:
                raise _refused("instance-lost", "cannot freeze: it is gone")

        await self._fate.effect(f"sandbox.{'freeze' if frozen else 'thaw'} {instance}", act)

    async def discard(self, instance: int) -> None:
        def act() -> None:
            self.host.prepared.discard(instance)
            if instance in self.host.processes:
                self.kill(instance, cause="ended", status=0)

        await self._fate.effect(f"sandbox.discard {instance}", act)

    def zygotes(self) -> Sequence[tuple[str, str, str, int, int]]:
        return [("test", "trusted", "in-use", 2, 1 << 20)]

    def logs(self, plugin: str, lines: int) -> Sequence[str]:
        return [f"{plugin} says hello"][:lines]

    async def renew_keeper(self) -> None:
        self._fate.trace.note("keeper renewed")

    async def close(self, *, ending: bool) -> None:
        self._on_exit = lambda end: None

    # --- what happens by itself

    def kill(self, instance: int, *, cause: str = "signal", status: int = 9) -> None:
        """The process is gone; its channel and the supervisor hear of it in the next turn of the loop."""
        if self.host.processes.pop(instance, None) is None:
            return
        self._fate.trace.note(f"exit {instance} {cause} {status}")
        if self._fate.dead:
            return
        if instance in self.channels:
            self.channels[instance].drop()
        asyncio.get_running_loop().call_soon(self._told, Exit(instance, cause, status))

    def _told(self, end: Exit) -> None:
        if not self._fate.dead:
            self._on_exit(end)

    def lose_keeper(self) -> None:
        """The keeper dies, and the kernel ends its tree."""
        self._fate.trace.note("keeper lost")
        for instance in tuple(self.host.processes):
            self.host.processes.pop(instance)
            if instance in self.channels:
                self.channels[instance].drop()
        self._on_lost()

    def open(self, end: Any, listener: Listener) -> "FakeChannel":
        sandbox, process = end
        channel = FakeChannel(sandbox, process, listener)
        self.channels[process.instance] = channel
        return channel


class FakeResources:
    """Nobody uses much until a test or nature says so."""

    def __init__(self, host: Host, fate: Fate) -> None:
        self._host = host
        self._fate = fate
        self.subjects: Callable[[], Iterable[Subject]] = tuple
        self.tell: Callable[[int, Verdict], None] = lambda instance, verdict: None
        self.ended: list[int] = []

    async def watch(self, subjects: Callable[[], Iterable[Subject]], tell: Callable[[int, Verdict], None]) -> None:
        """Whom an earlier daemon did not come to end uses too much still."""
        self.subjects, self.tell = subjects, tell
        for instance, limit in tuple(self._host.over.items()):
            self.use(instance, limit, ends=True)
        await asyncio.get_running_loop().create_future()

    def rows(self, subjects: Iterable[Subject]) -> Iterable[Row]:
        for one in subjects:
            yield one.instance, one.plugin, one.state, one.restarts, 1 << 20, 0.0, 1, 8, 0.0, 0, 1.0

    def usage(self, subject: Subject) -> Usage:
        return Usage(memory=1 << 20, tasks=1)

    def pressure(self, instance: int) -> Mapping[str, float]:
        return {"memory": 0.0}

    def use(self, instance: int, limit: str, *, ends: bool) -> None:
        """A look finds that it uses that much; nothing is said of one that nobody watches."""
        if self._fate.dead or instance not in {subject.instance for subject in self.subjects()}:
            return
        self._fate.trace.note(f"use {instance} {limit} {'all' if ends else 'much'}")
        if ends:
            self._host.over[instance] = limit
            self.ended.append(instance)
        self.tell(instance, Verdict(limit, 100.0, 100.0, ends=ends))


def _behaviour(launch: Launch) -> Mapping[str, Any]:
    data, _ = launch.tree["code/main.py"]
    return unpack(data).behaviour


@dataclass(frozen=True)
class FakeBorn:
    pid: int
    cgroup: int
    end: Any


_LEADS_TO = {"start": "running", "resume": "running", "stop": "loaded", "suspend": "suspended"}


class FakeChannel:
    """The supervisor's end, and in the same object how the instance answers."""

    def __init__(self, sandbox: FakeSandbox, process: Process, listener: Listener) -> None:
        self._sandbox = sandbox
        self._process = process
        self.listener = listener
        self._waiting: set[asyncio.Future[None]] = set()
        self.gone = False
        self.paused = False
        self.given: list[tuple[int, Any, str]] = []

    def tell(self, frame: wire.Down, *descriptors: int) -> bool:
        if isinstance(frame, wire.Given):
            value = "connected" if descriptors else wire.unpack(frame.value)
            self.given.append((frame.id, value, frame.refused))
        return True

    async def hello(self, *, nonce: bytes, deadline: float) -> Mapping[str, str]:
        await self._answer("hello", deadline)
        if self._process.behaviour.get("hello") == "lie":
            raise _refused("wrong-nonce", "cannot greet: it does not know its nonce")
        lies = self._process.behaviour.get("walls") == "lie"
        return {"Seccomp": "2", "denied.socket": "allowed" if lies else "EPERM"}

    async def go(self, confinement: Confinement, *, deadline: float) -> Ready:
        await self._answer("go", deadline)
        later = self._process.behaviour.get("later")
        if later is not None:
            asyncio.get_running_loop().call_later(later, self._sandbox.host.kill, self._process.instance)
        self._process.state = "loaded"
        offered = tuple(service.name for service in confinement.services)
        return Ready(1, ("start", "stop"), () if self._process.behaviour.get("go") == "lie" else offered)

    async def hook(self, name: str, arguments: Mapping[str, Any], *, deadline: float) -> Any:
        self._process.heard.append(name)
        self._process.hook = name
        try:
            await self._answer(name, deadline)
        except Refused:
            self._process.hook = ""  # it came to its end, without success; only a daemon's death leaves one under way
            raise
        self._return()
        return None

    def _return(self) -> None:
        self._process.state = _LEADS_TO.get(self._process.hook, self._process.state)
        self._process.hook = ""

    def adopt(self, confinement: Confinement, *, epoch: int) -> None:
        assert epoch == self._sandbox.host.epoch

    async def passed(self) -> str:
        """A hook that was under way when the last daemon died comes to its end first."""
        await self._answer("passed", 30.0)
        self._return()
        return self._process.state

    async def ask(self, wanted: Wanted, caller: Caller, *, deadline: float) -> Any:
        if wanted.member == "Die":
            self._sandbox.kill(self._process.instance, status=11)
        await self._answer("call", deadline)
        if wanted.kind != "method":
            return self._process.count
        self._process.count += 1
        return [f"hello {wanted.arguments[0]}"] if wanted.arguments else []

    def pause(self) -> None:
        self.paused = True

    def unpause(self) -> None:
        self.paused = False

    def close(self) -> None:
        self.drop()

    def drop(self) -> None:
        self.gone = True
        for future in tuple(self._waiting):
            if not future.done():
                future.set_result(None)

    async def _answer(self, moment: str, deadline: float) -> None:
        """A round trip, as the instance conducts itself in this moment."""
        conduct = self._process.behaviour.get(moment)
        if conduct == "crash":
            self._sandbox.kill(self._process.instance, status=11)
        await self._wait({"hang": deadline + 1, "slow": deadline * 0.9}.get(str(conduct), 0.0002), deadline)
        if self.gone:
            raise _refused("instance-lost", f"cannot run {moment}: the instance is gone")
        if self._process.frozen:
            raise _refused("call-timeout", f"cannot run {moment}: it is frozen")
        if conduct == "refuse":
            raise _refused("plugin-raised", f"cannot run {moment}: the plugin raised ValueError")

    async def _wait(self, seconds: float, deadline: float) -> None:
        if self.gone:
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.add(future)
        try:
            async with asyncio.timeout(min(seconds, deadline)):
                await future
        except TimeoutError:
            if seconds > deadline:
                raise _refused("call-timeout", "cannot run it: no answer in time") from None
        finally:
            self._waiting.discard(future)
