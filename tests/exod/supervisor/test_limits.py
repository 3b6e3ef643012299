"""A plugin that uses much is warned of, and one that uses too much is ended with the reason."""

import asyncio
from dataclasses import replace

import pytest

from exod.plan.policy import Policy
from exod.supervisor.ports import Verdict
from tests.simulation.house import House, played
from tests.simulation.packages import Kit


def decree(house: House, policy: Policy) -> None:
    house.disk.inputs = replace(house.disk.inputs, policies={"hello": policy})
    house.supervisor._roster.inputs = house.disk.inputs


@played
async def test_whoever_lives_is_watched_with_what_it_was_granted(house: House) -> None:
    await house.load()
    await house.load(Kit(name="other"), start=False)
    await house.do("suspend", "hello")
    first, second = house.resources.subjects()
    assert (first.instance, first.plugin, first.pid, first.state) == (1, "hello", 101, "suspended")
    assert (second.plugin, second.state, second.on_limit) == ("other", "loaded", "end")
    assert first.limits.call_time == 2.0
    await house.do("unload", "hello")
    assert [subject.plugin for subject in house.resources.subjects()] == ["other"]


@played
async def test_a_warning_is_audited_and_ends_nothing(house: House) -> None:
    await house.load()
    house.resources.use(1, "memory", ends=False)
    await house.quiet()
    assert house.supervisor.plugins["hello"].state_name == "running"
    [said] = house.events("limit")
    assert (said["plugin"], said["instance"], said["limit"], said["ends"]) == ("hello", "1", "memory", "False")
    assert (said["used"], said["allowed"]) == ("100", "100")


@played
async def test_who_went_over_is_in_error_with_the_limit_and_audited_once(house: House) -> None:
    await house.load()
    house.resources.use(1, "tasks", ends=True)
    house.resources.use(1, "memory", ends=True)
    await house.quiet()
    view = house.supervisor.plugins["hello"]
    assert (view.state_name, view.fault["code"], view.fault["evidence.limit"]) == ("error", "limit-exceeded", "tasks")
    assert view.fault["sentence"].startswith("cannot keep hello running: it went over its limit of tasks")
    assert (house.host.processes, house.disk.instances, house.face.offered) == ({}, {}, {})
    assert [fields["code"] for fields in house.events("fault")] == ["limit-exceeded"]
    assert [(fields["limit"], fields["ends"]) for fields in house.events("limit")] == [("tasks", "True")]


@pytest.mark.parametrize(
    ("policy", "state"),
    [
        (Policy(), "error"),
        (Policy(on_limit="throttle"), "error"),
        (Policy(on_limit="restart"), "running"),
        (Policy(critical=True), "running"),
    ],
)
@played
async def test_policy_says_whether_it_is_started_again(house: House, policy: Policy, state: str) -> None:
    decree(house, policy)
    await house.load(Kit(critical=True))
    house.resources.use(1, "storage", ends=True)
    await asyncio.sleep(1)
    view = house.supervisor.plugins["hello"]
    assert (view.state_name, view.restarts) == (state, int(state == "running"))


@played
async def test_one_that_goes_over_again_and_again_is_in_a_crash_loop(house: House) -> None:
    decree(house, Policy(on_limit="restart"))
    await house.load()
    for number in range(1, 6):
        house.resources.use(number, "memory", ends=True)
        await asyncio.sleep(2)
    assert house.supervisor.plugins["hello"].fault["code"] == "crash-loop"


@played
async def test_a_load_that_is_ended_over_a_limit_says_so(house: House) -> None:
    await house.do("install", kit=Kit(behaviour={"go": "slow"}))
    loading = asyncio.ensure_future(house.do("load", "hello"))
    await asyncio.sleep(1)
    house.resources.use(1, "memory", ends=True)
    job = await loading
    view = house.supervisor.plugins["hello"]
    assert (job.state, job.refusal["code"], view.fault["code"]) == ("failed", "limit-exceeded", "limit-exceeded")
    assert (house.events("fault"), [one["code"] for one in house.events("refused")]) == ([], ["limit-exceeded"])
    assert house.host.processes == {}


@played
async def test_a_load_that_starved_says_so_too(house: House) -> None:
    loading = asyncio.ensure_future(house.load(Kit(behaviour={"go": "slow"})))
    await asyncio.sleep(1)
    house.sandbox.kill(1, cause="oom")
    job = await loading
    assert (job.refusal["code"], job.refusal["evidence.limit"]) == ("limit-exceeded", "memory")


@played
async def test_a_hook_that_is_cut_off_fails_for_itself_and_the_plugin_for_its_limit(house: House) -> None:
    await house.load(Kit(behaviour={"stop": "slow"}))
    stopping = asyncio.ensure_future(house.do("stop", "hello"))
    await asyncio.sleep(0.1)
    house.resources.use(1, "memory", ends=True)
    job = await stopping
    await house.quiet()
    assert job.refusal["code"] == "instance-lost"
    assert house.supervisor.plugins["hello"].fault["code"] == "limit-exceeded"
    assert len(house.events("fault")) == 1


@played
async def test_what_is_said_of_one_that_is_gone_is_not_heard(house: House) -> None:
    await house.load()
    tell = house.resources.tell
    house.sandbox.kill(1)
    await house.quiet()
    for ends in (False, True):
        tell(1, Verdict("memory", 1.0, 1.0, ends=ends))
    await house.quiet()
    assert house.events("limit") == []
    assert len(house.events("fault")) == 1


@played
async def test_what_all_use_is_told_at_once(house: House) -> None:
    await house.load()
    [row] = house.supervisor.list_usage()
    assert row[:5] == (1, "hello", "running", 0, 1 << 20)
