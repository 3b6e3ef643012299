"""The job journal: a job's whole plan, durable before its first step; its last word, durable before it is told.

A record whose state is still `running` at the next start is unfinished business.
"""

import json
from dataclasses import replace

from exod.errors import Outcome, Refusal
from exod.plan.steps import decode
from exod.supervisor.jobs import Job
from exod.supervisor.ports import Caller, Clock, JobRecord, Registry
from exod.supervisor.requests import Request, Verb


class Journal:
    def __init__(self, registry: Registry, clock: Clock) -> None:
        self._registry = registry
        self._clock = clock

    async def begin(self, job: Job) -> None:
        job.state = "running"
        job.journalled = True
        await self._registry.put_job(job.record())

    async def pass_point(self, job: Job) -> None:
        """From here on there is no way back. A mark that could not be written was not passed."""
        before = job.plan
        job.plan = replace(before, passed=True)
        try:
            await self._registry.put_job(job.record())
        except BaseException:
            job.plan = before
            raise

    async def end(self, job: Job) -> None:
        job.finished = self._clock.time()
        await self._registry.put_job(job.record())


def unfinished(record: JobRecord) -> Job | Refusal | None:
    """The job to settle; None when it was over; a refusal when its record cannot be read."""
    if record.state != "running":
        return None
    verb = Verb(record.kind)
    job = Job(record.id, Request(verb, Caller(record.caller, 0), record.plugin), record.created, plugin=record.plugin)
    if not record.steps:
        return job
    try:
        job.plan = decode(record.steps)
    except (ValueError, KeyError, TypeError) as error:
        sentence = f"internal error: cannot read the journal of job {record.id}: {error!r}"
        return Refusal("journal-corrupt", sentence, outcome=Outcome.FAILED)
    job.journalled = True
    job.result = json.loads(record.result or "{}")
    job.refusal = Refusal.from_fields(json.loads(record.refusal)) if record.refusal else interrupted(job)
    return job


def interrupted(job: Job) -> Refusal:
    sentence = f"cannot {job.kind} {job.plugin}: exod was interrupted"
    return Refusal("interrupted", sentence, f"exoctl plugin info {job.plugin}", outcome=Outcome.FAILED)
