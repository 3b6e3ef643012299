"""What the next daemon makes of the journal."""

from dataclasses import replace

import pytest

from exod.errors import Refusal
from exod.plan import verbs
from exod.supervisor.jobs import Job
from exod.supervisor.journal import unfinished
from exod.supervisor.ports import JobRecord
from tests.simulation.house import House, played

PLAN = verbs.bring_up("hello", version="1.0.0", digest="d", instance=1, goal="running")
RECORD = JobRecord(4, "load", "hello", ":1.1", "running", 10.0, 0.0, PLAN.encode(), "{}", "")


@pytest.mark.parametrize("state", ["done", "refused", "failed", "cancelled", "undone"])
def test_a_job_that_is_over_needs_nothing(state: str) -> None:
    assert unfinished(replace(RECORD, state=state)) is None


def test_an_unfinished_job_comes_back_with_its_plan() -> None:
    job = unfinished(RECORD)
    assert isinstance(job, Job)
    assert (job.plan, job.plugin, job.kind) == (PLAN, "hello", "load")
    assert job.refusal is not None
    assert job.refusal.code == "interrupted"


def test_a_job_without_a_plan_has_nothing_to_undo() -> None:
    job = unfinished(replace(RECORD, steps=""))
    assert isinstance(job, Job)
    assert job.plan.steps == ()


def test_a_journal_that_cannot_be_read_is_our_own_fault_and_says_so() -> None:
    found = unfinished(replace(RECORD, steps="{"))
    assert isinstance(found, Refusal)
    assert found.sentence.startswith("internal error: ")


@played
async def test_a_point_of_no_return_that_could_not_be_written_was_not_passed(house: House) -> None:
    await house.load()
    marks = iter([False, True])
    house.fate.fail = lambda name: "unload running" in name and next(marks, False)
    view = await house.do("unload", "hello")
    assert (view.state, view.refusal["code"]) == ("failed", "host-error")
    assert house.supervisor.plugins["hello"].state_name == "running"
    assert house.face.offered["hello"]


@played
async def test_a_corrupt_journal_of_one_job_does_not_keep_the_daemon_from_starting(house: House) -> None:
    await house.load()
    house.disk.jobs[9] = replace(RECORD, id=9, steps="nonsense")
    supervisor = await house.boot()
    assert supervisor.plugins["hello"].state_name == "running"
    assert house.events("fault")[0]["code"] == "journal-corrupt"
