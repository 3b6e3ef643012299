"""Jobs as they are now: queued, running, undoing, then done, refused, failed or cancelled; kept for some days.

A job is its own record and its own bell: whoever waits for it waits for `over`.
"""

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from exod.errors import Refusal
from exod.plan.steps import Plan
from exod.supervisor.ports import Caller, JobRecord, Snapshot
from exod.supervisor.requests import Request
from exod.supervisor.views import JobView

OVER = ("done", "refused", "failed", "cancelled")
KEPT = 100
"""Jobs that are over, in memory: as many as the bus shows. The registry has those of all the days."""


@dataclass(slots=True)
class Job:
    """`scope` is the deadline of the step under way: cancelling moves it to now. `told`: its end is in the audit."""

    id: int
    request: Request
    created: float
    plugin: str = ""
    state: str = "queued"
    step: str = ""
    done: int = 0
    plan: Plan = Plan(())
    journalled: bool = False
    cancelled: bool = False
    told: bool = False
    result: dict[str, str] = field(default_factory=dict)
    refusal: Refusal | None = None
    finished: float = 0.0
    scope: asyncio.Timeout | None = None
    over: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def kind(self) -> str:
        return self.request.verb.value

    @property
    def caller(self) -> Caller:
        return self.request.caller

    def cancel(self) -> None:
        self.cancelled = True
        if self.scope is not None:
            self.scope.reschedule(asyncio.get_running_loop().time())

    def record(self) -> JobRecord:
        """`state` is running until the journal's last word on it."""
        return JobRecord(
            id=self.id,
            kind=self.kind,
            plugin=self.plugin,
            caller=self.caller.name,
            state=self.state if self.state in OVER else "running",
            created=self.created,
            finished=self.finished,
            steps=self.plan.encode() if self.journalled else "",
            result=json.dumps(self.result, sort_keys=True),
            refusal=json.dumps(self.refusal.fields(), sort_keys=True) if self.refusal else "",
        )


class Jobs:
    """Those of this daemon as they are, the newest of those that are over as they were recorded."""

    def __init__(self, *, changed: Callable[[int], None]) -> None:
        self.live: dict[int, Job] = {}
        self.past: dict[int, JobRecord] = {}
        self._changed = changed
        self._next = 1

    def adopt(self, snapshot: Snapshot) -> None:
        self.past = {record.id: record for record in sorted(snapshot.jobs, key=lambda one: one.id)[-KEPT:]}
        self._next = snapshot.next_job

    def open(self, request: Request, *, now: float) -> Job:
        job = Job(self._next, request, now, plugin=request.plugin)
        self._next += 1
        self.live[job.id] = job
        self._changed(job.id)
        return job

    def touch(self, job: Job) -> None:
        self._changed(job.id)

    def close(self, job: Job) -> None:
        """The journal has its last word: rings the bell, keeps the record only."""
        del self.live[job.id]
        self.keep(job)
        job.over.set()

    def keep(self, job: Job) -> None:
        self.past[job.id] = job.record()
        self._changed(job.id)
        self._forget(list(self.past)[:-KEPT])

    def prune(self, *, before: float) -> None:
        self._forget([one.id for one in self.past.values() if one.finished and one.finished < before])

    def _forget(self, jobs: Sequence[int]) -> None:
        for number in jobs:
            del self.past[number]
            self._changed(number)

    def all(self) -> Mapping[int, object]:
        return {**self.past, **self.live}

    def view(self, number: int) -> JobView:
        job = self.live.get(number)
        if job is None:
            return _view(self.past[number])
        total = len(job.plan.steps)
        return JobView(
            id=job.id,
            kind=job.kind,
            plugin_name=job.plugin,
            caller=job.caller.name,
            state=job.state,
            step=job.step,
            steps_done=job.done,
            steps_total=total,
            progress=100 * job.done // total if total else 0,
            result=dict(job.result),
            refusal=job.refusal.fields() if job.refusal else {},
            created_at=int(job.created),
            finished_at=int(job.finished),
        )


def _view(record: JobRecord) -> JobView:
    """What is recorded of a job: all there is to see once it is over."""
    total = len(json.loads(record.steps)["steps"]) if record.steps else 0
    done = record.state == "done"
    return JobView(
        id=record.id,
        kind=record.kind,
        plugin_name=record.plugin,
        caller=record.caller,
        state="failed" if record.state == "undone" else record.state,
        step="",
        steps_done=total if done else 0,
        steps_total=total,
        progress=100 if done else 0,
        result=json.loads(record.result or "{}"),
        refusal=json.loads(record.refusal or "{}"),
        created_at=int(record.created),
        finished_at=int(record.finished),
    )
