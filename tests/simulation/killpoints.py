"""Every point at which the daemon may be killed in a job, one by one: before, in and after each step and each undo,
and around every single effect on the world. After each kill a new daemon starts, and all invariants have to hold.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from random import Random

from exod.supervisor.ports import TrustInputs
from tests.simulation.driver import bury
from tests.simulation.fate import Fate
from tests.simulation.house import House
from tests.simulation.invariants import after_restart
from tests.simulation.loop import VirtualLoop
from tests.simulation.packages import Kit

OLD = Kit(level="dev")
NEW = OLD.but(version="1.1.0")
Do = Callable[[House], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Case:
    """A job to be killed in. `ready` brings the host to where it begins; `failing` names an effect that always fails,
    so that the job is undone. wanted: states in which the plugin may be found afterwards.
    """

    name: str
    ready: Do
    do: Do
    wanted: tuple[str, ...]
    failing: str = ""


async def _nothing(house: House) -> None:
    pass


async def _installed(house: House) -> None:
    await house.do("install", kit=OLD)


async def _running(house: House) -> None:
    await house.load(OLD)


async def _loaded(house: House) -> None:
    await house.load(OLD, start=False)


async def _suspended(house: House) -> None:
    await house.load(OLD)
    await house.do("suspend", "hello")


async def _of_alice(house: House) -> None:
    await house.load(OLD)
    await house.do("unload", "hello")


CASES = (
    Case("load", _nothing, lambda house: house.load(OLD), ("", "running")),
    Case("load undone", _nothing, lambda house: house.load(OLD), ("",), failing="put_plugin hello running"),
    Case("load installed", _installed, lambda house: house.do("load", "hello", start=True), ("unloaded", "running")),
    Case("load newer", _of_alice, lambda house: house.load(NEW), ("unloaded", "running")),
    Case("load replaced", _of_alice, lambda house: house.load(OLD.but(sequence=2)), ("unloaded", "running")),
    Case(
        "load replaced undone",
        _of_alice,
        lambda house: house.load(OLD.but(sequence=2)),
        ("unloaded",),
        failing="sandbox.spawn",
    ),
    Case(
        "load of a new owner",
        _of_alice,
        lambda house: house.load(NEW.but(signer="bob"), consent=True),
        ("unloaded", "running"),
    ),
    Case(
        "load of a new owner undone",
        _of_alice,
        lambda house: house.load(NEW.but(signer="bob"), consent=True),
        ("unloaded",),
        failing="sandbox.spawn",
    ),
    Case("install", _nothing, lambda house: house.do("install", kit=OLD), ("", "unloaded")),
    Case("start", _loaded, lambda house: house.do("start", "hello"), ("loaded", "running")),
    Case("start undone", _loaded, lambda house: house.do("start", "hello"), ("loaded",), failing="hello running"),
    Case("stop", _running, lambda house: house.do("stop", "hello"), ("loaded", "running")),
    Case("suspend", _running, lambda house: house.do("suspend", "hello"), ("running", "suspended")),
    Case("resume", _suspended, lambda house: house.do("resume", "hello"), ("running", "suspended")),
    Case("unload", _running, lambda house: house.do("unload", "hello"), ("running", "unloaded")),
    Case("unload suspended", _suspended, lambda house: house.do("unload", "hello"), ("suspended", "unloaded")),
    Case("remove", _running, lambda house: house.do("remove", "hello"), ("", "running")),
    Case("remove unloaded", _installed, lambda house: house.do("remove", "hello", purge=True), ("", "unloaded")),
    Case(
        "remove unloaded undone",
        _installed,
        lambda house: house.do("remove", "hello", purge=True),
        ("unloaded",),
        failing="registry.drop_plugin",
    ),
    Case("configure", _running, lambda house: house.do("configure", "hello", values={"word": "x"}), ("running",)),
    Case(
        "configure undone",
        _running,
        lambda house: house.do("configure", "hello", values={"word": "x"}),
        ("running",),
        failing="put_plugin hello",
    ),
    Case("disable", _running, lambda house: house.do("disable", "hello"), ("running", "unloaded")),
)


@dataclass(frozen=True, slots=True)
class Result:
    case: str
    point: str
    problems: tuple[str, ...]


def points(case: Case) -> tuple[list[str], int]:
    """The checkpoints that the job passes, in order, and how many effects it has."""
    house = _house()
    loop = house.loop

    async def watch() -> None:
        await _prepare(house, case)
        house.fate.points.clear()
        house.fate.effects = 0
        await case.do(house)

    loop.run_until_complete(watch())
    _drop(loop)
    return house.fate.points, house.fate.effects


def kill_everywhere(case: Case) -> Iterator[Result]:
    """One run for each point and one for each effect."""
    passed, effects = points(case)
    for index, point in enumerate(passed):
        before = passed[: index + 1].count(point)
        yield _killed(case, point, lambda fate, point=point, nth=before: _at_point(fate, point, nth))  # type: ignore[misc]
    for index in range(1, effects + 1):
        yield _killed(case, f"effect {index}", lambda fate, index=index: _at_effect(fate, index))  # type: ignore[misc]


def _at_point(fate: Fate, point: str, nth: int) -> None:
    fate.crash_point, fate.crash_nth = point, nth


def _at_effect(fate: Fate, index: int) -> None:
    fate.crash_at = index


def _killed(case: Case, point: str, arm: Callable[[Fate], None]) -> Result:
    house = _house()
    problems: list[str] = []
    try:
        house.loop.run_until_complete(_kill(house, case, arm, problems))
    except Exception as error:  # an assertion of a fake or a stall is a finding
        problems.append(f"{type(error).__name__}: {error}")
    problems += [str(context.get("exception") or context["message"]) for context in house.loop.errors]
    _drop(house.loop)
    return Result(case.name, point, tuple(problems))


async def _kill(house: House, case: Case, arm: Callable[[Fate], None], problems: list[str]) -> None:
    await _prepare(house, case)
    house.fate.effects = 0
    dead = asyncio.Event()
    house.fate.on_death = dead.set
    arm(house.fate)
    job = asyncio.ensure_future(case.do(house))
    death = asyncio.ensure_future(dead.wait())
    await asyncio.wait((job, death), return_when=asyncio.FIRST_COMPLETED)
    if not house.fate.dead:
        problems.append("the point was not reached")
    await bury(house)
    lived = {process.pid for process in house.host.processes.values() if process.state}
    await house.boot()
    await asyncio.sleep(100.0)
    problems += after_restart(house)
    if not case.name.startswith("load") and lived and house.host.processes:
        now = {process.pid for process in house.host.processes.values()}
        problems += [] if now == lived else [f"processes {lived} became {now}"]
    found = house.supervisor.plugins["hello"].state_name if "hello" in house.supervisor.plugins else ""
    if found not in case.wanted:
        problems.append(f"hello is {found or 'not installed'}, not one of {case.wanted}")


async def _prepare(house: House, case: Case) -> None:
    await house.boot()
    await case.ready(house)
    if case.failing:
        house.fate.fail = lambda name: case.failing in name


def _house() -> House:
    house = House(VirtualLoop(), Random(1))
    house.disk.inputs = TrustInputs(anchors=("alice", "bob"))
    return house


def _drop(loop: VirtualLoop) -> None:
    loop.abandon()
    loop.close()
