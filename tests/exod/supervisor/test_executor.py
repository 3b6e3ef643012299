"""In order or back in reverse: what fails, what is tried again, and what is left to the next job."""

import errno

import pytest

from exod.errors import Outcome, Refusal, Refused
from exod.supervisor.executor import explain
from exod.supervisor.jobs import Job
from exod.supervisor.ports import Caller
from exod.supervisor.requests import Request, Verb
from tests.simulation.house import House, played
from tests.simulation.packages import Kit

MOMENTS = ["prepare", "spawn", "hello", "go", "start"]


def failing(house: House, text: str, *, times: int = 1 << 30) -> None:
    left = [times]

    def fail(name: str) -> bool:
        if text in name and left[0] > 0:
            left[0] -= 1
            return True
        return False

    house.fate.fail = fail


@pytest.mark.parametrize("conduct", ["refuse", "crash", "hang"])
@pytest.mark.parametrize("moment", MOMENTS)
@played
async def test_a_load_that_fails_at_any_moment_leaves_nothing(house: House, moment: str, conduct: str) -> None:
    job = await house.load(Kit(behaviour={moment: conduct}))
    if conduct == "crash" and moment in ("prepare", "spawn"):
        return  # there is no process yet that could
    assert job.state == "failed"
    assert not any(name.startswith("undo-failed") for name in job.result)
    assert (house.disk.plugins, house.disk.packages, house.disk.data, house.disk.instances) == ({}, {}, {}, {})
    assert (house.host.processes, house.host.prepared, house.face.offered) == ({}, set(), {})
    assert (house.disk.trust.owners, house.disk.trust.former) == ({}, {})


@pytest.mark.parametrize(
    ("moment", "conduct"), [("hello", "lie"), ("walls", "lie"), ("walls", "refuse"), ("go", "lie")]
)
@played
async def test_an_instance_that_lies_is_ended(house: House, moment: str, conduct: str) -> None:
    job = await house.load(Kit(behaviour={moment: conduct}))
    assert job.state in ("failed", "refused")
    assert house.host.processes == {}


@played
async def test_a_failed_load_of_an_installed_plugin_is_an_error_with_its_reason(house: House) -> None:
    await house.do("install", kit=Kit(behaviour={"start": "refuse"}))
    await house.do("load", "hello", start=True)
    view = house.supervisor.plugins["hello"]
    assert (view.state_name, view.fault["code"], view.instance) == ("error", "plugin-raised", 0)
    assert (await house.do("unload", "hello")).state == "done"
    assert house.supervisor.plugins["hello"].state_name == "unloaded"


@played
async def test_a_step_that_fails_half_way_is_undone_too(house: House) -> None:
    old = Kit(level="dev")
    await house.do("install", kit=old)
    failing(house, "packages.put")
    job = await house.load(old.but(sequence=2))
    assert (job.state, house.disk.packages) == ("failed", {("hello", "1.0.0"): old.data()})


@played
async def test_an_error_of_the_host_is_told_with_its_number(house: House) -> None:
    failing(house, "data.make", times=1)
    job = await house.load()
    assert (job.state, job.refusal["code"]) == ("failed", "host-error")
    assert job.refusal["evidence.errno"] in (str(errno.ENOSPC), str(errno.EIO))


@played
async def test_an_undo_that_fails_is_part_of_the_result_and_is_settled_before_the_next_job(house: House) -> None:
    def fail(name: str) -> bool:
        return name in ("data.make hello", "packages.drop hello 1.0.0")

    house.fate.fail = fail
    job = await house.load()
    assert (job.state, job.refusal["code"]) == ("failed", "host-error")
    assert "undo-failed.store-package" in job.result
    assert house.disk.jobs[job.id].state == "running"
    again = await house.load()
    assert again.refusal["code"] == "unfinished-job"
    house.fate.fail = None
    assert (await house.load()).state == "done"
    assert house.disk.jobs[job.id].state == "failed"
    assert [fields["code"] for fields in house.events("refused") if fields["job"] == str(job.id)] == ["host-error"]


@played
async def test_past_the_point_of_no_return_a_step_that_fails_is_tried_again(house: House) -> None:
    await house.load()
    failing(house, "registry.drop_instance", times=2)
    job = await house.do("unload", "hello")
    assert (job.state, job.refusal) == ("done", {})
    assert house.supervisor.plugins["hello"].state_name == "unloaded"


@played
async def test_past_the_point_of_no_return_the_rest_is_left_to_the_next_job_not_undone(house: House) -> None:
    await house.load()
    failing(house, "put_plugin hello unloaded")
    job = await house.do("unload", "hello")
    assert (job.state, house.host.processes) == ("failed", {})
    house.fate.fail = None
    assert (await house.do("load", "hello", start=True)).state == "done"
    assert house.disk.jobs[job.id].state == "failed"
    assert house.supervisor.plugins["hello"].desired == "running"


@played
async def test_a_last_word_that_cannot_be_written_undoes_the_job(house: House) -> None:
    await house.do("install", kit=Kit())
    failing(house, "load done")
    job = await house.do("load", "hello")
    assert (job.state, house.host.processes) == ("failed", {})


@played
async def test_a_plan_that_cannot_be_journalled_does_nothing(house: House) -> None:
    failing(house, "load running")
    job = await house.load()
    assert (job.state, house.disk.packages) == ("failed", {})


@played
async def test_a_plugin_that_cannot_be_brought_back_is_ended(house: House) -> None:
    await house.load(Kit(behaviour={"resume": "refuse"}))
    failing(house, "put_plugin hello suspended")
    job = await house.do("suspend", "hello")
    assert job.state == "failed"
    await house.quiet()
    view = house.supervisor.plugins["hello"]
    assert (view.state_name, view.fault["code"], house.host.processes) == ("error", "not-undone", {})


@played
async def test_a_plugin_that_will_not_stop_is_unloaded_all_the_same(house: House) -> None:
    await house.load(Kit(behaviour={"stop": "hang"}))
    job = await house.do("unload", "hello")
    assert (job.state, "no answer in time" in job.result["stop"]) == ("done", True)
    assert house.host.processes == {}


@played
async def test_a_start_that_fails_leaves_the_plugin_loaded(house: House) -> None:
    await house.load(Kit(behaviour={"start": "refuse"}), start=False)
    job = await house.do("start", "hello")
    assert job.state == "failed"
    assert house.supervisor.plugins["hello"].state_name == "loaded"


@pytest.mark.parametrize(
    ("error", "code", "outcome"),
    [
        (Refused(Refusal("no", "cannot load hello: no")), "no", Outcome.REFUSED),
        (TimeoutError(), "timed-out", Outcome.TIMED_OUT),
        (OSError(28, "No space left on device"), "host-error", Outcome.FAILED),
        (ValueError("x"), "internal", Outcome.FAILED),
    ],
)
def test_every_way_to_fail_is_a_refusal(error: Exception, code: str, outcome: Outcome) -> None:
    job = Job(1, Request(Verb.LOAD, Caller("exod", 0), "hello"), 0.0, plugin="hello")
    found = explain(job, error)
    assert (found.code, found.outcome) == (code, outcome)
    assert found.sentence.startswith(("cannot load hello", "internal error: "))
