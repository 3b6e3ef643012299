"""Limits, use, policy → what stands in a cgroup, and whom to warn or end. Pure.

A count (tasks, files) may be reached and not passed; of an amount (memory, storage, time) all is too much. A rate (cpu,
io) is judged by its average: what goes over for a moment harms nobody, and no plugin starts below its average.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from exod.errors import Outcome, Refusal
from exod.package.limits import Limits
from exod.plan.policy import OnLimit

WARN, QUIET = 0.8, 0.7
"""Shares of a limit: from here a warning, once; from below there the next."""
SOON, LATE = 5.0, 20.0
"""Seconds over which a rate is averaged for a warning, and for the verdict."""
HELD: Final = 0.95
"""The share of its rate that a plugin still gets when the kernel holds it to all of it: that much counts as reached."""
PERIOD: Final = 100_000
"""Microseconds, the kernel's own default."""
START_CPU: Final = 100
"""Percent of a core while a plugin is loaded, if its limit is less: twenty percent would make a start five times as
long, for everybody who waits for it."""

_FILES: Final = {"memory": "memory.max", "tasks": "pids.max", "cpu": "cpu.max", "io": "io.max"}
"""Limit → the file of its cgroup in which the kernel holds it."""
_CONTROLLERS: Final = {"memory": "memory", "tasks": "pids", "cpu": "cpu", "io": "io"}
_RATES: Final = ("cpu", "io")
_BYTES: Final = ("memory", "storage", "io")


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom to watch; state is its plugin's. A plugin may run code of its own while it is `loading` already."""

    instance: int
    plugin: str
    pid: int
    limits: Limits
    on_limit: OnLimit = "end"
    state: str = "running"
    restarts: int = 0


Row = tuple[int, str, str, int, int, float, int, int, float, int, float]
"""id, plugin, state, restarts; then what is used, as in Usage: memory, cpu, tasks, files, io, storage, ran."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Now: memory and storage in bytes, files, tasks; lately: cpu_percent of a core, io in bytes a second; since its
    birth: cpu_time in microseconds, transferred in bytes, ran in seconds. refused: how often the kernel gave no task.
    """

    memory: int = 0
    cpu_percent: float = 0.0
    cpu_time: int = 0
    files: int = 0
    tasks: int = 0
    io: float = 0.0
    transferred: int = 0
    storage: int = 0
    ran: float = 0.0
    refused: int = 0


@dataclass(frozen=True, slots=True)
class Verdict:
    """`used` and `allowed` in the unit of the limit; ends: whether it may not go on."""

    limit: str
    used: float
    allowed: float
    ends: bool = False

    def fields(self) -> dict[str, str]:
        return {"limit": self.limit, "used": f"{self.used:.0f}", "allowed": f"{self.allowed:.0f}"}

    def refusal(self, plugin: str, **evidence: str) -> Refusal:
        """Why the plugin was ended."""
        used, allowed = _said(self.limit, self.used), _said(self.limit, self.allowed)
        what = f"it went over its limit of {self.limit}: {used}, allowed are {allowed}"
        sentence = f"cannot keep {plugin} running: {what}"
        hint = f"exoctl plugin info {plugin}"
        return Refusal("limit-exceeded", sentence, hint, self.fields() | evidence, Outcome.FAILED)


@dataclass(frozen=True, slots=True)
class Mark:
    """A sum as it was at a time, of which a rate is made."""

    at: float
    cpu_time: int
    transferred: int


@dataclass(frozen=True, slots=True)
class Rates:
    """cpu in percent of a core, io in bytes a second; 0 where nobody has looked for that long."""

    cpu: float = 0.0
    io: float = 0.0


def average(marks: Sequence[Mark], *, seconds: float) -> Rates:
    """Between the newest mark and the newest that is at least so much older."""
    now = marks[-1]
    then = next((mark for mark in reversed(marks) if now.at - mark.at >= seconds), None)
    if then is None or now.at == then.at:
        return Rates()
    passed = now.at - then.at
    return Rates((now.cpu_time - then.cpu_time) / passed / 1e4, (now.transferred - then.transferred) / passed)


def judge(
    subject: Subject, usage: Usage, marks: Sequence[Mark], *, held: Collection[str], warned: Collection[str]
) -> tuple[list[Verdict], frozenset[str]]:
    """What is to be said now, and the limits whose warning stands. held: the limits that the kernel enforces."""
    said: list[Verdict] = []
    standing = set(warned)
    for share, over in _shares(subject.limits, usage, marks):
        if over and not _contained(share.limit, subject.on_limit, held):
            return [Verdict(share.limit, share.used, share.allowed, ends=True)], frozenset(standing)
        if share.used >= WARN * share.allowed and share.limit not in standing:
            standing.add(share.limit)
            said.append(share)
        elif share.used < QUIET * share.allowed:
            standing.discard(share.limit)
    return said, frozenset(standing)


def _shares(limits: Limits, usage: Usage, marks: Sequence[Mark]) -> Iterator[tuple[Verdict, bool]]:
    """Each limit with what is used of it, and whether that is too much; first what harms the host soonest."""
    soon, late = average(marks, seconds=SOON), average(marks, seconds=LATE)
    yield Verdict("memory", usage.memory, limits.memory), usage.memory >= limits.memory
    wanted = limits.tasks + usage.refused if usage.refused else usage.tasks
    if limits.tasks > 1 or wanted > 1:
        yield Verdict("tasks", wanted, limits.tasks), wanted > limits.tasks
    yield Verdict("files", usage.files, limits.files), usage.files > limits.files
    if usage.storage:
        yield Verdict("storage", usage.storage, limits.storage), usage.storage >= limits.storage
    if limits.run_time:
        yield Verdict("run-time", usage.ran, limits.run_time), usage.ran >= limits.run_time
    for name, now, long, allowed in (("cpu", soon.cpu, late.cpu, limits.cpu), ("io", soon.io, late.io, limits.io)):
        yield Verdict(name, max(now, long), allowed), long >= HELD * allowed


def _contained(limit: str, on_limit: OnLimit, held: Collection[str]) -> bool:
    """Whether the kernel deals with it: it ends what runs out of memory, and slows down what is to be slowed down."""
    return limit in held and (limit == "memory" or (on_limit == "throttle" and limit in _RATES))


def _said(limit: str, value: float) -> str:
    if limit in _BYTES:
        return f"{value / 1048576:.1f} MiB{'/s' if limit == 'io' else ''}"
    units = {"cpu": " %", "run-time": " s"}
    return f"{value:.0f}{units.get(limit, '')}"


# --- what the kernel is told ------------------------------------------------------------------------------------------


def group_files(limits: Limits, *, disk: str) -> dict[str, str]:
    """file → content of an instance's cgroup, written before it is born. disk: where its data lies, as `8:0`; "" where
    that is no disk the kernel could hold it on.

    No memory.high: it stalls a plugin that would be told to stop, and warns of nothing.
    """
    files = {
        "memory.max": str(limits.memory),
        "memory.swap.max": "0",
        "memory.oom.group": "1",
        "pids.max": str(limits.tasks),
        "cpu.max": cpu_max(max(limits.cpu, START_CPU)),
    }
    return files | ({"io.max": f"{disk} rbps={limits.io} wbps={limits.io}"} if disk else {})


def cpu_max(percent: int) -> str:
    return f"{percent * PERIOD // 100} {PERIOD}"


def held_by(files: Collection[str]) -> frozenset[str]:
    """The limits that the kernel enforces where a cgroup takes these files."""
    return frozenset(limit for limit, file in _FILES.items() if file in files)


def lacks(files: Collection[str]) -> dict[str, str]:
    """What is worse on this host for want of controllers: name → what it costs."""
    missing = [_CONTROLLERS[limit] for limit in _FILES if limit not in held_by(files)]
    if not missing:
        return {}
    instead = "exod looks once a second instead, and cannot throttle"
    return {"limits": f"this host's cgroups have no controller for {', '.join(missing)}: {instead}"}
