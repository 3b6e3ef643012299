"""SIGKILL for what the daemon started: number → one death of an instance, a zygote or the keeper, at one moment → what
came of it. Nobody else is disturbed by the first two; after the third all are back, in other processes.
"""

import asyncio
import contextlib
import json
import os
import signal
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass
from random import Random

from exod.sandbox.groups import place
from tests.adoption import tally
from tests.adoption.callers import service_path
from tests.adoption.findings import Findings
from tests.adoption.house import SETTLED
from tests.adoption.kernel import instances_of, parent_of
from tests.endurance import gauges
from tests.endurance.home import NEIGHBOUR, Home
from tests.exod.dbus.rig import Failed

VICTIMS = ("tally-victim", "tally-critical")
"""The second is critical: nobody but exod brings it back."""
POLICIES = {VICTIMS[1]: "critical = true\n"}
SHARES = {"instance": 14, "zygote": 5, "keeper": 1}
MOMENTS = {
    "instance": ("idle", "in a call", "in a load"), "zygote": ("idle", "in a load"), "keeper": ("idle", "in a load"),
}  # fmt: skip
_LOADING = 0.02
"""Seconds within which a load is struck."""


@dataclass(slots=True)
class Death(Findings):
    """`became`: the code that the victim's fault, or the load's refusal, had."""

    number: int = 0
    kind: str = ""
    moment: str = ""
    became: str = ""
    gauge: gauges.Gauge | None = None

    @property
    def faults(self) -> list[str]:
        return [*self.lost, *self.violations, *self.residue]

    def as_json(self) -> str:
        return json.dumps({"part": "kills"} | asdict(self))


class Reaper:
    def __init__(self, home: Home, *, seed: int = 1) -> None:
        self._home, self._seed = home, seed

    async def run(self, numbers: Sequence[int], *, report: Callable[[Death], None]) -> None:
        """`numbers` need not begin at 0: each is what it is wherever a run begins."""
        assert self._home.process is not None
        for name in VICTIMS:
            await self._home.done(await self._home.load(package(name)))
        for number in numbers:
            random = Random(f"death {self._seed} {number}")
            [kind] = random.choices(tuple(SHARES), tuple(SHARES.values()))
            death = Death(number=number, kind=kind, moment=random.choice(MOMENTS[kind]))
            victim = VICTIMS[random.random() < 0.2]
            await {"instance": self._instance, "zygote": self._zygote, "keeper": self._keeper}[death.kind](
                death, victim, random
            )
            await self._settle(death)
            death.gauge = gauges.look(self._home.process.pid)
            report(death)
        for name in VICTIMS:
            await self._home.remove(name)

    # --- kinds --------------------------------------------------------------------------------------------------------

    async def _instance(self, death: Death, victim: str, random: Random) -> None:
        if death.moment == "in a load":
            loading = await self._begun(death, victim, random)
            struck = await self._newest(victim)
            for pid in struck:
                kill(pid)
            if await self._loaded(death, victim, loading) != "done":
                return
            if struck:  # the load was over, and exod may still have to find out
                await self._gone(death, victim, struck)
                return
        await self._strike(death, victim)

    async def _gone(self, death: Death, victim: str, pids: Collection[int]) -> None:
        async with asyncio.timeout(SETTLED):
            while (await self._home.look_at(victim)).pid in pids:  # noqa: ASYNC110 - another process has to change
                await asyncio.sleep(0.002)
        await self._over(death, victim)

    async def _strike(self, death: Death, victim: str) -> None:
        """It runs, and dies."""
        home, instance = self._home, await self._home.living(victim)
        calls = [self._count(victim, number) for number in range(4 if death.moment == "in a call" else 0)]
        answers = asyncio.gather(*calls, return_exceptions=True)
        await asyncio.sleep(0)
        kill(instance.pid)
        death.violations += [f"a call ended with {one!r}" for one in await answers if not _told(one)]
        await home.until(victim, "error", "running", other_than=instance.number)
        await self._over(death, victim)
        death.residue += await home.remains(instance)

    async def _over(self, death: Death, victim: str) -> None:
        """A critical one comes back by itself or is in a crash loop; another is in error, which says why."""
        async with asyncio.timeout(SETTLED):
            while (shown := await self._home.look_at(victim)).state != "running":
                death.became = shown.fault.get("code", "") or death.became
                if shown.state == "error" and (victim != VICTIMS[1] or death.became == "crash-loop"):
                    break
                await asyncio.sleep(0.002)
        if shown.state == "error" and not shown.fault.get("sentence"):
            death.violations.append(f"{victim} is in error and nothing says why")

    async def _zygote(self, death: Death, victim: str, random: Random) -> None:
        loading = await self._begun(death, victim, random) if death.moment == "in a load" else None
        procs = place(directory=self._home.directory) / "zygotes/cgroup.procs"
        living = sorted(int(pid) for pid in procs.read_text().split())
        if living:  # after a crash there may be none for a moment
            kill(random.choice(living))
        if loading is not None:
            await self._loaded(death, victim, loading)

    async def _keeper(self, death: Death, victim: str, random: Random) -> None:
        home, keeper = self._home, parent_of(self._home.neighbour.pid)
        before = {name: await home.living(name) for name in (NEIGHBOUR, *VICTIMS)}
        loading = await self._begun(death, victim, random) if death.moment == "in a load" else None
        kill(keeper)
        if loading is not None:
            await self._loaded(death, victim, loading)
            del before[victim]
        for name, instance in before.items():
            await home.until(name, "running", other_than=instance.number)
            death.residue += await home.remains(instance)
        await home.meet()

    # --- parts --------------------------------------------------------------------------------------------------------

    async def _begun(self, death: Death, victim: str, random: Random) -> "asyncio.Future[tuple[str, str]]":
        """It is unloaded, and a little into its next load."""
        instance = await self._home.living(victim)
        await self._home.unload(victim)
        death.residue += await self._home.remains(instance)
        loading = asyncio.ensure_future(self._load(victim))
        await asyncio.sleep(random.uniform(0, _LOADING))
        return loading

    async def _load(self, victim: str) -> tuple[str, str]:
        ended, refusal = await self._home.finished(await self._home.start_again(victim))
        return ended, refusal.get("code", "")

    async def _loaded(self, death: Death, victim: str, loading: "asyncio.Future[tuple[str, str]]") -> str:
        """How it ended: it was too late to strike it, or the load says what was struck."""
        ended, death.became = await loading
        if ended not in ("done", "failed", "refused") or (ended != "done" and not death.became):
            death.violations.append(f"the load of {victim} ended {ended}, {death.became or 'without a reason'}")
        return ended

    async def _newest(self, victim: str) -> list[int]:
        """Processes of instances that are none of the others'."""
        home = self._home
        known = {(await home.look_at(name)).pid for name in (NEIGHBOUR, *VICTIMS) if name != victim}
        return [pid for pid in instances_of(parent_of(home.neighbour.pid)) if pid not in known]

    async def _count(self, victim: str, number: int) -> None:
        await self._home.client.call("Count", "t", [number], path=service_path(victim), interface=tally.INTERFACE)

    async def _settle(self, death: Death) -> None:
        """All run again, and nothing is there that nobody knows."""
        home = self._home
        for name in VICTIMS:
            async with asyncio.timeout(SETTLED):
                while (await home.look_at(name)).state != "running":
                    await self._load(name)  # refused while exod itself brings it back
        death.residue += await home.strangers()
        living, wanted = instances_of(parent_of(home.neighbour.pid)), set()
        for name in (NEIGHBOUR, *VICTIMS):
            wanted.add((await home.look_at(name)).instance)
        if set(living.values()) != wanted:
            death.violations.append(f"the keeper has {sorted(living.values())}, shown is {sorted(wanted)}")
        death.violations += await home.greet()
        death.lost += await home.disturbed()


def package(name: str) -> bytes:
    return tally.package(name, critical=name == VICTIMS[1])


def kill(pid: int) -> None:
    """By a descriptor: a number may be another process's by the time of the signal."""
    with contextlib.suppress(ProcessLookupError):
        pidfd = os.pidfd_open(pid)
        try:
            signal.pidfd_send_signal(pidfd, signal.SIGKILL)
        finally:
            os.close(pidfd)


def _told(answer: object) -> bool:
    return not isinstance(answer, BaseException) or isinstance(answer, Failed)
