"""A plan, done in order or undone in reverse; the journal knows of it before the first step and after the last.

A step that fails before the point of no return undoes the plan, itself included. Past that point a failing step is
tried again and then left to the next start, as is an undo that fails: the journal then still says `running`, and
nothing else may happen to the plugin before the rest is settled.
"""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import replace

from exod.errors import Outcome, Refusal, Refused
from exod.plan.steps import Step
from exod.supervisor.handlers import HANDLERS, Hands
from exod.supervisor.jobs import Job
from exod.supervisor.ports import World
from exod.supervisor.roster import TRIES

DEADLINE = 30.0
"""Seconds that the do or undo of a step may take."""

Checkpoint = Callable[[str], None]


def nowhere(point: str) -> None:
    """No checkpoint is watched."""


class Executor:
    """checkpoint is told `before:KIND`, `in:KIND`, `after:KIND`, `undo:KIND`, `undone:KIND` and `end`."""

    def __init__(self, world: World, *, changed: Callable[[Job], None], checkpoint: Checkpoint = nowhere) -> None:
        self._world = world
        self._changed = changed
        self._checkpoint = checkpoint

    async def run(self, job: Job, hands: Hands) -> bool:
        """Whether the job came to a clean end, done or undone; its state and refusal say which."""
        hands.midway = lambda point: self._checkpoint(f"in:{point}")
        try:
            job.state, job.journalled = "running", True
            await self._record(job)
            await self._forward(job, hands)
            self._checkpoint("end")
            job.state = "done"
            job.result |= hands.notes
            await self._end(job)
        except Exception as error:  # whatever a step raised, what was done has to be undone
            return await self._fail(job, hands, error)
        return True

    async def settle(self, job: Job, hands: Hands) -> bool:
        """Finishes what an earlier run left: forward past the point of no return, else back. Whether that worked."""
        hands.midway = lambda point: self._checkpoint(f"in:{point}")
        plan = job.plan
        forward = plan.passed and plan.no_return is not None
        steps = plan.steps[plan.no_return :] if forward else plan.steps
        failures = await (self._insist(hands, steps) if forward else self._back(hands, steps))
        job.result |= hands.notes | failures
        if failures:
            return False
        if forward and not job.told:
            job.state, job.refusal = "done", None
        else:
            job.state = "failed"
        return await self.last_word(job)

    async def _forward(self, job: Job, hands: Hands) -> None:
        for index, step in enumerate(job.plan.steps):
            if job.cancelled and not job.plan.passed:
                raise Refused(cancelled(job))
            if index == job.plan.no_return:
                await self._pass_point(job)
            job.step = step.describe()
            self._changed(job)
            self._checkpoint(f"before:{step.kind}")
            await self._do(job, hands, step)
            self._checkpoint(f"after:{step.kind}")
            job.done = index + 1
        if job.cancelled and not job.plan.passed:
            raise Refused(cancelled(job))

    async def _do(self, job: Job, hands: Hands, step: Step) -> None:
        async with asyncio.timeout(DEADLINE) as scope:
            job.scope = scope
            try:
                await HANDLERS[step.kind].do(hands, step)
            finally:
                job.scope = None

    async def _fail(self, job: Job, hands: Hands, error: Exception) -> bool:
        plugin = hands.roster.plugins.get(job.plugin)
        instance = plugin.instance if plugin is not None else None
        job.refusal = hands.refusal = cancelled(job) if job.cancelled else explain(job, error)
        passed, final = job.plan.passed, "failed"
        if passed:
            failures = await self._insist(hands, job.plan.steps[min(job.done, job.plan.no_return or 0) :])
        else:
            job.state = "undoing"
            self._changed(job)
            failures = await self._back(hands, job.plan.steps[: job.done + 1])
            if instance is not None and instance.overdrawn and instance.ending:
                job.refusal = instance.overdrawn  # it was undone with the job, which knew only that it was lost
            final = ending(job)
        job.result |= hands.notes | failures
        if failures:
            job.state = "running"
            return False
        why = job.refusal
        if passed:
            job.refusal = None
            final = "done"
        job.state = final
        if await self.last_word(job):
            return True
        job.refusal = why  # all is done and cannot be recorded: that is what became of the job
        return False

    async def _record(self, job: Job) -> None:
        await self._world.registry.put_job(job.record())

    async def _pass_point(self, job: Job) -> None:
        """From here on there is no way back. A mark that could not be written was not passed."""
        before = job.plan
        job.plan = replace(before, passed=True)
        try:
            await self._record(job)
        except BaseException:
            job.plan = before
            raise

    async def _end(self, job: Job) -> None:
        job.finished = self._world.clock.time()
        await self._record(job)

    async def last_word(self, job: Job) -> bool:
        """Whether the job's end could be recorded. One that changed nothing may do without: it is history only."""
        for _ in range(TRIES):
            try:
                await self._end(job)
            except (OSError, Refused, TimeoutError):
                continue
            return True
        return False

    async def _insist(self, hands: Hands, steps: Iterable[Step]) -> dict[str, str]:
        """Past the point of no return: in order, each tried again; what still fails ends it. kind → why."""
        for step in steps:
            failure = await self._try_hard(hands, step, undo=False)
            if failure is not None:
                return {f"failed.{step.kind}": failure}
        return {}

    async def _back(self, hands: Hands, steps: Iterable[Step]) -> dict[str, str]:
        """In reverse; one undo that fails does not keep the others from running. kind → why."""
        failures = {}
        for step in reversed(tuple(steps)):
            self._checkpoint(f"undo:{step.kind}")
            failure = await self._try_hard(hands, step, undo=True)
            if failure is not None:
                failures[f"undo-failed.{step.kind}"] = failure
            self._checkpoint(f"undone:{step.kind}")
        return failures

    async def _try_hard(self, hands: Hands, step: Step, *, undo: bool) -> str | None:
        handler = HANDLERS[step.kind]
        act = handler.undo if undo else handler.do
        why = ""
        for _ in range(TRIES):
            try:
                async with asyncio.timeout(DEADLINE):
                    await act(hands, step)
                return None
            except Exception as error:  # a failed undo is part of the result, not the end of the undoing
                why = _sentence(error)
        return why


def cancelled(job: Job) -> Refusal:
    return Refusal("cancelled", f"cannot {job.kind} {job.plugin}: the job was cancelled", outcome=Outcome.FAILED)


def explain(job: Job, error: Exception) -> Refusal:
    """Every way to fail as a refusal. What nobody foresaw is ours, and says so."""
    what = f"cannot {job.kind} {job.plugin}"
    if isinstance(error, Refused):
        return error.refusal
    evidence = {"step": job.step}
    if isinstance(error, TimeoutError):
        return Refusal("timed-out", f"{what}: it took too long to {job.step}", "", evidence, Outcome.TIMED_OUT)
    if isinstance(error, OSError):
        evidence["errno"] = str(error.errno)
        return Refusal("host-error", f"{what}: {_sentence(error)}", "exoctl daemon status", evidence, Outcome.FAILED)
    return Refusal("internal", f"internal error: {what}: {error!r}", outcome=Outcome.FAILED)


def _sentence(error: Exception) -> str:
    if isinstance(error, Refused):
        return error.refusal.sentence
    if isinstance(error, TimeoutError):
        return "it took too long"
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return f"internal error: {error!r}"


def ending(job: Job) -> str:
    if job.cancelled:
        return "cancelled"
    refused = job.refusal is not None and job.refusal.outcome is Outcome.REFUSED
    return "refused" if refused else "failed"
