"""Jobs as they are seen: progress, results, and what is kept of old ones."""

from dataclasses import replace

from exod.errors import Refusal
from exod.plan import verbs
from exod.supervisor.jobs import KEPT, Jobs
from exod.supervisor.ports import Caller, JobRecord, Snapshot
from exod.supervisor.requests import Request, Verb

REQUEST = Request(Verb.LOAD, Caller(":1.1", 0), "hello")
PLAN = verbs.bring_up("hello", version="1.0.0", digest="d", instance=1, goal="running")
RECORD = JobRecord(4, "load", "hello", ":1.1", "done", 10.0, 11.0, PLAN.encode(), '{"state":"running"}', "")


def snapshot(*records: JobRecord) -> Snapshot:
    return Snapshot((), (), (), records, 0, 1, 5)


def test_a_job_tells_how_far_it_is() -> None:
    changed: list[int] = []
    jobs = Jobs(changed=changed.append)
    job = jobs.open(REQUEST, now=10.0)
    assert (jobs.view(1).state, jobs.view(1).progress) == ("queued", 0)
    job.plan, job.done, job.state, job.step = PLAN, 3, "running", "fork"
    view = jobs.view(1)
    assert (view.steps_done, view.steps_total, view.progress, view.step) == (3, 7, 42, "fork")
    assert changed == [1]


def test_a_job_that_is_over_rings_its_bell_and_is_kept() -> None:
    jobs = Jobs(changed=lambda job: None)
    job = jobs.open(REQUEST, now=10.0)
    job.state, job.finished, job.refusal = "refused", 12.0, Refusal("no", "cannot load hello: no")
    jobs.close(job)
    assert job.over.is_set()
    view = jobs.view(job.id)
    assert (view.state, view.refusal["code"], view.finished_at) == ("refused", "no", 12)


def test_jobs_of_an_earlier_daemon_are_shown_and_numbers_go_on() -> None:
    jobs = Jobs(changed=lambda job: None)
    jobs.adopt(snapshot(RECORD, replace(RECORD, id=3, state="undone", steps="")))
    assert jobs.open(REQUEST, now=0.0).id == 5
    assert (jobs.view(4).progress, jobs.view(4).result) == (100, {"state": "running"})
    assert (jobs.view(3).state, jobs.view(3).progress) == ("failed", 0)
    assert set(jobs.all()) == {3, 4, 5}


def test_old_jobs_are_forgotten_and_shown_to_be_gone() -> None:
    changed: list[int] = []
    jobs = Jobs(changed=changed.append)
    jobs.adopt(snapshot(RECORD, replace(RECORD, id=3, finished=50.0)))
    jobs.prune(before=20.0)
    assert (set(jobs.all()), changed) == ({3}, [4])


def test_of_many_jobs_that_are_over_only_the_newest_stay_in_memory() -> None:
    changed: list[int] = []
    jobs = Jobs(changed=changed.append)
    jobs.adopt(snapshot(*(replace(RECORD, id=number) for number in range(300, 0, -1))))
    assert set(jobs.all()) == {*range(301 - KEPT, 301)}
    jobs._next = 301
    for _ in range(2 * KEPT):
        job = jobs.open(REQUEST, now=10.0)
        job.state = "done"
        jobs.close(job)
    assert set(jobs.all()) == {*range(501 - KEPT, 501)}
    assert {*range(301 - KEPT, 501 - KEPT)} <= {*changed}


def test_the_journal_calls_a_job_running_until_its_last_word() -> None:
    jobs = Jobs(changed=lambda job: None)
    job = jobs.open(REQUEST, now=10.0)
    job.state = "undoing"
    assert (job.record().state, job.record().steps) == ("running", "")
    job.journalled, job.plan, job.state = True, PLAN, "done"
    assert (job.record().state, job.record().steps) == ("done", PLAN.encode())
