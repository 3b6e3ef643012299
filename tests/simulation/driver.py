"""A seed → one run: several callers, a nature that breaks things, a daemon that dies; then the invariants.

The same seed gives the same trace, in any process.
"""

import asyncio
import gc
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from exod.errors import Refused
from exod.supervisor.ports import Caller, Wanted
from exod.supervisor.supervisor import Request, Verb
from tests.simulation.fate import Fate
from tests.simulation.house import House
from tests.simulation.invariants import after_restart, always
from tests.simulation.loop import VirtualLoop
from tests.simulation.packages import Kit

NAMES = ("alpha", "beta", "gamma")
VERSIONS = ("1.0.0", "1.1.0", "2.0.0")
CALM = 200.0
"""Virtual seconds after which every back-off and deadline of a run is over."""

_VERBS = (
    *(["load"] * 6),
    *(["unload", "start", "stop", "suspend", "resume", "configure"] * 2),
    *("install", "remove", "enable", "disable", "reload-installed"),
)
_MOMENTS = ("prepare", "spawn", "hello", "walls", "go", "start", "stop", "suspend", "resume", "configure", "call")
_CONDUCTS = ("refuse", "crash", "hang", "slow", "lie")


@dataclass
class Run:
    seed: int
    trace: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        return not self.problems


def run(seed: int) -> Run:
    """Never raises: what a run finds, crashes of the code under test included, are its problems."""
    loop = VirtualLoop()
    result = Run(seed)
    house = House(loop, Random(seed))
    house.appetite = Random(f"appetite {seed}")
    try:
        loop.run_until_complete(_run(house, result))
    except Exception as error:  # an assertion of a fake, a stall, a bug: all are findings
        result.problems.append(f"{type(error).__name__}: {error}")
    result.problems += [str(context.get("exception") or context["message"]) for context in loop.errors]
    result.trace = house.trace.lines
    loop.abandon()
    loop.close()
    return result


async def _run(house: House, result: Run) -> None:
    random = house.random
    for _ in range(random.choice((1, 1, 2, 3))):
        await _incarnation(house, random)
        result.problems += [] if house.fate.dead else always(house)
        _count(house, result)
        await bury(house)
    await house.boot()
    await asyncio.sleep(CALM)
    result.problems += after_restart(house)
    await house.supervisor.stop()
    if house.host.processes or house.disk.instances:
        result.problems.append(f"left after a clean stop: {house.host.processes} {house.disk.instances}")


async def _incarnation(house: House, random: Random) -> None:
    """One daemon, until its callers have gone home or it is killed."""
    fate = Fate(
        random,
        house.trace,
        crash_at=random.choice((None, random.randint(1, 100), random.randint(1, 400))),
        errno_rate=random.choice((0.0, 0.0, 0.01, 0.08)),
        slow_rate=random.choice((0.0, 0.0, 0.1)),
    )
    dead = asyncio.Event()
    fate.on_death = dead.set
    life = asyncio.ensure_future(_live(house, fate, random))
    death = asyncio.ensure_future(dead.wait())
    await asyncio.wait((life, death), return_when=asyncio.FIRST_COMPLETED)
    death.cancel()
    if life.done() and not life.cancelled() and life.exception() is not None:
        raise life.exception()  # type: ignore[misc]


async def bury(house: House) -> None:
    """The daemon is gone, in the middle of whatever it did; disk and processes stay."""
    house.fate.die("end of the run")
    rest = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in sorted(rest, key=lambda one: one.get_name()):
        task.cancel()
    if rest:
        await asyncio.wait(rest, timeout=5.0)


async def _live(house: House, fate: Fate, random: Random) -> None:
    try:
        await house.boot(fate)
    except OSError:
        return  # a daemon that cannot read its disk does not start; the next one may
    callers = [_caller(house, Caller(f":1.{number}", number % 2 * 1000), random) for number in range(3)]
    await asyncio.gather(*callers, _nature(house, random), _appetite(house, house.appetite))
    await asyncio.sleep(CALM)
    if random.random() < 0.3:
        await house.supervisor.stop(ending=random.random() < 0.7)


async def _caller(house: House, caller: Caller, random: Random) -> None:
    for _ in range(random.randint(1, 8)):
        await asyncio.sleep(random.choice((0.0, 0.0001, 0.0005, 0.01, 3.0)))
        if random.random() < 0.2:
            for _ in range(random.choice((1, 1, 5))):
                await _call(house, caller, random)
                await asyncio.sleep(0.5)
            continue
        try:
            job = house.supervisor.submit(_request(house, random, caller))
        except Refused:
            house.turned_away += 1
            continue
        house.asked += 1
        if random.random() < 0.15:
            await asyncio.sleep(random.choice((0.0, 0.0002, 0.5)))
            if house.supervisor.cancel(job, caller) is not None:
                house.turned_away += 1
        if random.random() < 0.6:
            await house.supervisor.finished(job)


def _request(house: House, random: Random, caller: Caller) -> Request:
    installed = sorted(house.supervisor.plugins)
    verb = random.choice(_VERBS) if installed or random.random() < 0.1 else "load"
    name = random.choice(installed) if installed and random.random() < 0.7 else random.choice(NAMES)
    if verb == "load":
        options: dict[str, Any] = {"start": random.random() < 0.8}
        for option in ("downgrade", "consent"):
            if random.random() < 0.2:
                options[option] = True
        if random.random() < 0.2:
            options["enable"] = False
        return Request(Verb.LOAD, caller, package=_kit(random, name).data(), options=options)
    if verb == "install":
        return Request(Verb.INSTALL, caller, package=_kit(random, name).data())
    if verb == "reload-installed":
        chosen = {"version": random.choice(VERSIONS)} if random.random() < 0.3 else {}
        return Request(Verb.LOAD, caller, name, options={"start": True} | chosen)
    if verb == "configure":
        return Request(Verb.CONFIGURE, caller, name, options={"values": {"interval": random.choice((0.01, 2.0, 5.0))}})
    if verb == "remove":
        return Request(Verb.REMOVE, caller, name, options={"purge": random.random() < 0.5})
    return Request(Verb(verb), caller, name)


def _kit(random: Random, name: str) -> Kit:
    behaviour: dict[str, Any] = {}
    if random.random() < 0.35:
        behaviour[random.choice(_MOMENTS)] = random.choice(_CONDUCTS)
    if random.random() < 0.15:
        behaviour["later"] = random.choice((0.001, 0.5, 2.0))
    needs: tuple[tuple[str, str, bool], ...] = ()
    if name != "alpha" and random.random() < 0.3:
        needs = (("alpha", random.choice((">=1", ">=2", "<2")), random.random() < 0.3),)
    version = random.choice(VERSIONS)
    if version == "2.0.0":
        behaviour["lint"] = "warning" if name == "beta" else "error"
    return Kit(
        name=name,
        version=version,
        signer=random.choice(("alice", "alice", "alice", "bob", "eve")),
        level=random.choice(("trusted", "trusted", "dev")),
        needs=needs,
        network=("tcp:example.org:443",) if random.random() < 0.05 else (),
        critical=random.random() < 0.5,
        storage=random.choice((1 << 20, 1 << 20, 1 << 21)),
        behaviour=behaviour,
    )


async def _call(house: House, caller: Caller, random: Random) -> None:
    name, method = random.choice(NAMES), random.choice(("Greet", "Greet", "Die"))
    wanted = Wanted("method", "hello", method, ["you"] if method == "Greet" else [])
    try:
        await house.supervisor.calls.ask(name, wanted, caller)
    except Refused as refused:
        house.turned_away += int(refused.refusal.code == "deadly-caller")


async def _nature(house: House, random: Random) -> None:
    """What happens by itself: processes die, the clock jumps, trust changes, the keeper is lost."""
    for _ in range(random.randint(0, 3)):
        await asyncio.sleep(random.choice((0.0003, 0.002, 1.0, 20.0)))
        living = sorted(house.host.processes)
        match random.choice(("kill", "kill", "clock", "trust", "keeper")):
            case "kill" if living:
                house.sandbox.kill(random.choice(living), cause=random.choice(("signal", "oom", "exited")), status=9)
            case "clock":
                house.clock.offset += random.choice((-86400.0, 3600.0, 40 * 86400.0))
                house.trace.note("clock jumps")
            case "trust":
                anchors = random.choice((("alice", "bob"), ("alice",), ("bob",)))
                house.disk.inputs = replace(house.disk.inputs, anchors=anchors, policies=house.critical(random))
                house.trace.note(f"trust {anchors}")
                await _reload(house)
            case "keeper" if random.random() < 0.3:
                house.sandbox.refuse_attach = random.randint(0, 3)
                house.sandbox.lose_keeper()
            case _:
                pass


async def _appetite(house: House, random: Random) -> None:
    """In some lives, plugins use much and too much; chance of its own, so that other runs are what they were."""
    for _ in range(random.choice((0, 0, 0, 1, 3))):
        await asyncio.sleep(random.choice((0.0003, 0.002, 0.5, 5.0)))
        if living := sorted(house.host.processes):
            limit = random.choice(("memory", "tasks", "storage"))
            house.resources.use(random.choice(living), limit, ends=random.random() < 0.8)


async def _reload(house: House) -> None:
    try:
        await house.supervisor.reload()
    except OSError:
        return


def _count(house: House, result: Run) -> None:
    for name, value in (("jobs", house.asked), ("kills", int(house.fate.dead)), ("effects", house.fate.effects)):
        result.counts[name] = result.counts.get(name, 0) + value


def sweep(first: int, last: int) -> list[Run]:
    """Runs that went wrong, of seeds first..last. Cycles of abandoned runs are collected between runs, not within."""
    gc.disable()
    try:
        wrong = []
        for seed in range(first, last + 1):
            result = run(seed)
            if not result.ok:
                wrong.append(result)
            if seed % 50 == 0:
                gc.collect()
        return wrong
    finally:
        gc.enable()
