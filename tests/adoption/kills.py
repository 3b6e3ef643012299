"""SIGKILL for exod again and again: number → one kill, the same for the same number → what it left of fifty instances.

Three kinds, in turns. `calls`: in the middle of serving, a few milliseconds after all were shown. `start-up`: as many
milliseconds after the execution as the number says, that is while it imports, takes over, or serves already. `job`: at
one point of a job on one more plugin, of all the points that its undisturbed run passes; all or nothing remains of it.
"""

import asyncio
import json
import signal
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from random import Random
from typing import Any

from tests.adoption.findings import Findings
from tests.adoption.fleet import SUBJECT, Fleet
from tests.exod.dbus.rig import variants

SERVING = 0.04
"""Seconds within which a daemon that serves is killed."""
STARTING = 1.2
"""Of the time that the last take-over took: those are killed before, in and after theirs."""
KINDS = ("calls", "start-up", "start-up", "job", "start-up")
"""Two in a row die before they serve; one dies over what the one before it left half done."""


@dataclass(frozen=True, slots=True)
class Job:
    """A method of the plugin's object, and what it takes the subject from and to."""

    member: str
    before: str
    after: str
    signature: str = ""
    body: Sequence[Any] = ()


JOBS = (
    Job("Suspend", "running", "suspended"),
    Job("Resume", "suspended", "running"),
    Job("Stop", "running", "loaded"),
    Job("Start", "loaded", "running"),
    Job("Configure", "running", "running", "a{sv}", [variants(word="again")]),
    Job("Unload", "running", "unloaded"),
    Job("Load", "unloaded", "running", "a{sv}", [variants(start=True)]),
)
_BACK = {"unloaded": JOBS[6], "loaded": JOBS[3], "suspended": JOBS[1]}
"""What makes it run, from wherever it is."""


@dataclass(slots=True)
class Kill(Findings):
    """`seconds`: from the next execution to all fifty shown; `cpu`: exod's own work in them. 0 if that died too."""

    number: int = 0
    kind: str = ""
    at: str = ""
    killed: bool = False
    seconds: float = 0.0
    cpu: float = 0.0

    @property
    def faults(self) -> list[str]:
        return [*self.lost, *self.violations, *self.residue, *([] if self.killed else ["it was not killed"])]

    def as_json(self) -> str:
        return json.dumps(asdict(self))


class Killer:
    """Kills `fleet`'s daemon, and has the next one up before it tells of the kill, unless that is to be killed too."""

    def __init__(self, fleet: Fleet, *, seed: int = 1) -> None:
        self.fleet = fleet
        self._seed = seed
        self._took = 0.3
        self._points: list[tuple[Job, str]] = []
        self._open: Job | None = None

    async def run(self, numbers: Sequence[int], *, report: Callable[[Kill], None]) -> None:
        """`numbers` need not begin at 0: each is what it is wherever a run begins."""
        await self._discover()
        for number in numbers:
            random = Random(f"{self._seed} {number}")
            kill = Kill(number=number, kind=KINDS[number % len(KINDS)])
            await {"calls": self._in_calls, "start-up": self._in_start, "job": self._in_job}[kill.kind](kill, random)
            following = KINDS[(number + 1) % len(KINDS)]
            await self._next(kill, again=following == "start-up" and number != numbers[-1])
            report(kill)

    async def _discover(self) -> None:
        """The points of each job, as its undisturbed run passes them."""
        trace = self.fleet.marks / "trace"
        for job in JOBS:
            await self._bring(job.before)
            trace.unlink(missing_ok=True)
            await self._do(job)
            self._points += [(job, point) for point in dict.fromkeys(trace.read_text().split("\n")[:-1])]

    # --- kinds --------------------------------------------------------------------------------------------------------

    async def _in_calls(self, kill: Kill, random: Random) -> None:
        await self._kill_after(random.uniform(0, SERVING), kill)

    async def _in_start(self, kill: Kill, random: Random) -> None:
        if self.fleet.serving:
            await self.fleet.kill()
            self.fleet.execute()
        await self._kill_after(random.uniform(0, STARTING) * self._took, kill)

    async def _kill_after(self, seconds: float, kill: Kill) -> None:
        kill.at = f"{seconds * 1000:.1f} ms"
        await asyncio.sleep(seconds)
        kill.killed = await self.fleet.kill() == -signal.SIGKILL
        self.fleet.compare_registry(kill, job=self._open is not None)

    async def _in_job(self, kill: Kill, _: Random) -> None:
        """The points come one after the other, however many kills there are."""
        job, point = self._points[kill.number // len(KINDS) % len(self._points)]
        kill.at, self._open = f"{job.member} {point}", job
        await self._bring(job.before)
        (self.fleet.marks / "kill").write_text(point)
        begun = asyncio.ensure_future(self._do(job))
        try:
            kill.killed = await self.fleet.died() == -signal.SIGKILL
        except TimeoutError:
            await self.fleet.kill()
        await asyncio.gather(begun, return_exceptions=True)
        (self.fleet.marks / "kill").unlink()

    # --- parts --------------------------------------------------------------------------------------------------------

    async def _next(self, kill: Kill, *, again: bool) -> None:
        self.fleet.execute()
        if again:
            return
        kill.seconds, kill.cpu = await self.fleet.adopted()
        self._took = kill.seconds
        if self._open is not None:
            job, self._open = self._open, None
            state = await self.fleet.settled(SUBJECT)
            if state not in (job.before, job.after):
                kill.violations.append(f"{SUBJECT} is {state}, neither {job.before} nor {job.after}")
        await self.fleet.judge(kill)

    async def _bring(self, state: str) -> None:
        now = await self.fleet.settled(SUBJECT)
        if now == state:
            return
        if now in _BACK:
            await self._do(_BACK[now])
        if state != "running":
            await self._do(next(job for job in JOBS if job.before == "running" and job.after == state))

    async def _do(self, job: Job) -> None:
        await self.fleet.over(await self.fleet.ask(SUBJECT, job.member, job.signature, *job.body))
