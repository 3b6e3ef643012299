"""A job's record, as the last exod left it → the job. One whose state is still `running` is unfinished business."""

import json

from exod.errors import Outcome, Refusal
from exod.plan.steps import decode
from exod.supervisor.jobs import Job
from exod.supervisor.ports import Caller, JobRecord
from exod.supervisor.requests import Request, Verb


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
    sentence, hint = f"cannot {job.kind} {job.plugin}: exod was interrupted", f"exoctl plugin info {job.plugin}"
    job.refusal = Refusal("interrupted", sentence, hint, outcome=Outcome.FAILED)
    if record.refusal:
        job.refusal = Refusal.from_fields(json.loads(record.refusal))
    return job
