"""Job objects: progress as properties, and cancelling by who began it or who may manage plugins."""

from dataclasses import replace

import pytest

from exod.dbus import BusFace, Caps
from exod.dbus.failures import Standard
from exod.dbus.job import Job
from exod.dbus.requesting import Requests
from exod.names import job_path, plugin_path
from tests.exod.dbus import rig as rigs
from tests.exod.dbus.fake import FakeSupervisor, job_view, plugin_view
from tests.exod.dbus.rig import PLUGIN, Client, Failed, Rig, read_package

JOB = "org.exoos.Exod1.Job"


@pytest.fixture(autouse=True)
async def hello(rig: Rig) -> None:
    rig.supervisor.plugins["hello"] = plugin_view("hello")
    rig.face.plugin("hello")
    rig.face.flush()


async def test_progress_is_signalled_once_a_turn(rig: Rig, client: Client) -> None:
    await client.listen()
    [path] = await client.call("Start", path=plugin_path("hello"), interface=PLUGIN)
    for done in range(1, 6):
        rig.supervisor.jobs[1] = job_view(1, state="running", steps_done=done, step=f"step {done}")
        rig.face.job(1)
    signal = await client.signal("PropertiesChanged")
    assert signal.path == path
    _, changed, invalidated = signal.body()
    assert {name: value.value for name, value in changed.items()} == {
        "Kind": "load",
        "Caller": ":1.1",
        "State": "running",
        "Step": "step 5",
        "StepsDone": 5,
    }
    assert invalidated == []


async def test_root_cancels_any_job_and_a_refusal_comes_back(rig: Rig, client: Client) -> None:
    [path] = await client.call("Start", path=plugin_path("hello"), interface=PLUGIN)
    async with rigs.client(rig.address) as other:
        await other.call("Cancel", path=path, interface=JOB)
    assert [job for job, _ in rig.supervisor.cancelled] == [1]
    rig.supervisor.jobs[1] = replace(rig.supervisor.jobs[1], state="done")
    with pytest.raises(Failed, match="job-over"):
        await client.call("Cancel", path=path, interface=JOB)


async def test_who_did_not_begin_it_needs_the_right_to(rig: Rig, client: Client) -> None:
    [path] = await client.call("Start", path=plugin_path("hello"), interface=PLUGIN)
    async with rigs.client_as(rig.address, 65534) as other:
        with pytest.raises(Failed, match="not-authorized"):
            await other.call("Cancel", path=path, interface=JOB)
    assert rig.supervisor.cancelled == []
    [(refusal, caller, subject)] = rig.supervisor.refusals
    assert (refusal.code, caller.uid, subject) == ("not-authorized", 65534, f"{path} Cancel")


async def test_who_began_it_may_cancel_it_without_further_right(rig: Rig, client: Client) -> None:
    async with rigs.client_as(rig.address, 65534) as other:
        [path] = await client.call("Start", path=plugin_path("hello"), interface=PLUGIN)
        rig.bus._requests._owners[1] = other.name
        await other.call("Cancel", path=path, interface=JOB)
        assert [caller.uid for _, caller in rig.supervisor.cancelled] == [65534]
        rig.bus._requests.forget_callers()
        with pytest.raises(Failed, match="not-authorized"):
            await other.call("Cancel", path=path, interface=JOB)


def test_a_job_that_is_gone_is_unknown() -> None:
    requests = Requests(FakeSupervisor(None), BusFace(), read_package=read_package, caps=Caps())
    with pytest.raises(Standard, match="is gone"):
        Job(requests, 1).view()


async def test_objects_of_old_jobs_make_room(rig: Rig, client: Client) -> None:
    """The newest hundred finished jobs have an object; unfinished ones always have."""
    for number in range(1, 131):
        rig.supervisor.jobs[number] = job_view(number, state="done" if number > 3 else "running")
        rig.face.job(number)
    rig.face.flush()
    shown = [path for path in rig.bus._dispatcher.objects if "/job/" in path]
    assert len(shown) == 103
    assert [number for number in (1, 4, 30, 31, 130) if job_path(number) in shown] == [1, 31, 130]
