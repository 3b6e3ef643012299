"""What lived when the last daemon ended: taken over as it runs, or ended with the reason in the audit."""

from dataclasses import replace

import pytest

from exod.errors import Refusal
from exod.plan.policy import Policy
from exod.supervisor.adoption import difference
from exod.supervisor.ports import InstanceRecord, Survivor, Wanted
from tests.simulation.driver import bury
from tests.simulation.house import House, played
from tests.simulation.packages import Kit

RECORD = InstanceRecord(7, "hello", "1.0.0", "d1", b"nonce", 5, 70, 700, 1.0)
SURVIVOR = Survivor(7, 700, b"nonce", 70, 2)


def test_what_was_let_go_is_recognised() -> None:
    assert difference(SURVIVOR, RECORD, unborn=()) == ""


@pytest.mark.parametrize(
    ("survivor", "record", "unborn", "why"),
    [
        (SURVIVOR, None, (), "the registry does not know it"),
        (None, RECORD, (), "it ended while exod was away"),
        (SURVIVOR, RECORD, (7,), "it was still being brought up"),
        (replace(SURVIVOR, nonce=b"other"), RECORD, (), "it has another nonce"),
        (replace(SURVIVOR, pid=1), RECORD, (), "it is another process, or in another cgroup"),
        (replace(SURVIVOR, cgroup=1), RECORD, (), "it is another process, or in another cgroup"),
    ],
)
def test_what_is_anything_else_is_not(
    survivor: Survivor | None, record: InstanceRecord | None, unborn: tuple[int, ...], why: str
) -> None:
    assert difference(survivor, record, unborn=unborn) == why


@pytest.mark.parametrize("state", ["loaded", "running", "suspended"])
@played
async def test_a_killed_daemon_disturbs_no_plugin(house: House, state: str) -> None:
    await house.load(start=state != "loaded")
    if state == "suspended":
        await house.do("suspend", "hello")
    before = dict(house.host.processes)
    heard = list(before[1].heard)
    await bury(house)
    supervisor = await house.boot()
    assert house.host.processes == before
    assert before[1].heard == heard, "it was asked nothing"
    assert (supervisor.plugins["hello"].state_name, supervisor.plugins["hello"].instance) == (state, 1)
    assert "hello" in house.face.offered
    assert house.sandbox.channels[1].paused is (state == "suspended")
    assert house.events("adopt") == [{"plugin": "hello", "instance": "1", "state": state}]


@played
async def test_it_serves_and_obeys_as_before(house: House) -> None:
    await house.load()
    await bury(house)
    supervisor = await house.boot()
    assert await supervisor.calls.ask("hello", Wanted("method", "hello", "Greet", ["you"]), house.root) == ["hello you"]
    for verb, state in (("suspend", "suspended"), ("resume", "running"), ("stop", "loaded"), ("unload", "unloaded")):
        assert (await house.do(verb, "hello")).state == "done"
        assert supervisor.plugins["hello"].state_name == state
    assert (house.host.processes, house.disk.instances) == ({}, {})


@played
async def test_a_crash_after_it_was_taken_over_is_a_crash(house: House) -> None:
    await house.load()
    await bury(house)
    supervisor = await house.boot()
    house.sandbox.kill(1)
    await house.quiet()
    assert (supervisor.plugins["hello"].state_name, house.disk.instances) == ("error", {})


@played
async def test_one_that_ended_while_nobody_listened_is_restored_and_its_end_is_told(house: House) -> None:
    await house.load()
    await bury(house)
    house.host.processes.clear()
    supervisor = await house.boot()
    assert (supervisor.plugins["hello"].state_name, set(house.host.processes)) == ("running", {2})
    (told,) = house.events("adopt")
    assert told["refused"].endswith("it ended while exod was away")


@played
async def test_one_whose_signer_is_no_longer_trusted_is_ended(house: House) -> None:
    await house.load()
    await bury(house)
    house.disk.inputs = replace(house.disk.inputs, anchors=())
    supervisor = await house.boot()
    assert house.host.processes == {}
    assert supervisor.plugins["hello"].state_name == "error"


@pytest.mark.parametrize(("file", "goes_on"), [("revoked.toml", True), ("hello", False), ("plugins.d", False)])
@played
async def test_what_cannot_be_read_ends_one_only_if_it_says_what_it_may_have(
    house: House, file: str, goes_on: bool
) -> None:
    await house.load()
    await bury(house)
    house.disk.inputs = replace(house.disk.inputs, unread={file: Refusal("unread", f"cannot read {file}: no")})
    supervisor = await house.boot()
    assert supervisor.plugins["hello"].state_name == ("running" if goes_on else "error")
    assert list(house.host.processes) == ([1] if goes_on else [])


@pytest.mark.parametrize("old", [False, True])
@played
async def test_one_that_holds_what_was_taken_back_meanwhile_is_not_taken_over(house: House, old: bool) -> None:
    await house.load(Kit(files=("/proc/stat",)))
    await bury(house)
    if old:  # started by an exod that did not record it: all that its package asks for counts as held
        house.disk.instances[1] = replace(house.disk.instances[1], granted="")
    house.disk.inputs = replace(house.disk.inputs, policies={"hello": Policy(files=())})
    supervisor = await house.boot()
    assert list(house.host.processes) == [2]
    assert supervisor._roster.instances[2].confinement.files == ()


@played
async def test_one_that_would_get_more_today_is_started_anew(house: House) -> None:
    """What is shown of it is what it has."""
    house.disk.inputs = replace(house.disk.inputs, policies={"hello": Policy(files=())})
    await house.supervisor.reload()
    await house.load(Kit(files=("/proc/stat",)))
    await bury(house)
    house.disk.inputs = replace(house.disk.inputs, policies={})
    supervisor = await house.boot()
    assert list(house.host.processes) == [2]
    assert supervisor._roster.instances[2].confinement.files == ("/proc/stat",)


@played
async def test_one_whose_package_was_changed_in_the_store_is_ended(house: House) -> None:
    await house.load()
    await bury(house)
    house.disk.packages["hello", "1.0.0"] = Kit(sequence=9).data()
    await house.boot()
    assert house.host.processes == {}
    (told,) = house.events("adopt")
    assert "other bytes" in told["refused"]


@pytest.mark.parametrize("what", ["digest", "level"])
@played
async def test_one_that_is_not_the_package_that_was_let_go_is_ended(house: House, what: str) -> None:
    await house.load()
    await bury(house)
    if what == "digest":
        house.disk.instances[1] = replace(house.disk.instances[1], digest="d2")
    else:
        house.disk.versions["hello", "1.0.0"] = replace(house.disk.versions["hello", "1.0.0"], level="less")
    supervisor = await house.boot()
    (told,) = house.events("adopt")
    assert told["refused"].endswith("its package was installed anew, or its signer has another level")
    assert 1 not in house.host.processes
    assert supervisor.plugins["hello"].instance != 1


@played
async def test_a_suspended_one_is_told_its_configuration_when_it_wakes(house: House) -> None:
    await house.load()
    await house.do("suspend", "hello")
    await house.do("configure", "hello", values={"word": "new"})
    await bury(house)
    await house.boot()
    await house.do("resume", "hello")
    assert house.host.processes[1].heard[-2:] == ["configure", "resume"]


@pytest.mark.parametrize(
    ("verb", "point", "heard"),
    [
        ("stop", "before:stop", ["start"]),
        ("stop", "after:stop", ["start", "stop", "start"]),
        ("suspend", "before:suspend", ["start"]),
        ("suspend", "after:suspend", ["start", "suspend", "resume"]),
    ],
)
@played
async def test_what_a_job_left_half_done_is_taken_back_as_far_as_the_plugin_went(
    house: House, verb: str, point: str, heard: list[str]
) -> None:
    await house.load()
    house.fate.crash_point = point
    house.supervisor.submit(house.request(verb, "hello"))
    await house.died()
    await bury(house)
    supervisor = await house.boot()
    hooks = [hook for hook in house.host.processes[1].heard if hook != "configure"]
    assert hooks == heard
    assert supervisor.plugins["hello"].state_name == "running"
    assert supervisor.jobs[2].refusal["code"] == "interrupted"


@played
async def test_a_configuration_that_was_not_recorded_is_taken_back(house: House) -> None:
    await house.load()
    house.fate.crash_point = "in:set-config"
    house.supervisor.submit(house.request("configure", "hello", values={"word": "new"}))
    await house.died()
    await bury(house)
    supervisor = await house.boot()
    assert house.host.processes[1].heard == ["start", "configure", "configure"]
    assert supervisor.config("hello")["word"] == "hello"


@played
async def test_one_that_does_not_say_where_it_is_is_ended_and_restored(house: House) -> None:
    await house.load(Kit(behaviour={"passed": "hang"}))
    house.fate.crash_point = "after:stop"
    house.supervisor.submit(house.request("stop", "hello"))
    await house.died()
    await bury(house)
    supervisor = await house.boot()
    assert (supervisor.plugins["hello"].state_name, set(house.host.processes)) == ("running", {2})


@played
async def test_a_daemon_that_hands_over_ends_nothing_and_says_so(house: House) -> None:
    await house.load()
    before = dict(house.host.processes)
    await house.supervisor.stop(ending=False)
    assert house.events("daemon")[-1] == {"what": "hand-over"}
    await house.boot()
    assert house.host.processes == before
