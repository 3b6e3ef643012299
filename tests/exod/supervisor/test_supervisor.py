"""The supervisor from outside: requests, jobs, views, dry runs."""

import asyncio

import pytest

from exod.errors import Refusal, Refused
from exod.plan.steps import Step
from exod.supervisor.ports import Caller
from exod.supervisor.supervisor import Request, Verb
from tests.simulation.house import ROOT, House, played
from tests.simulation.packages import Kit


@played
async def test_load_makes_a_running_plugin_with_a_service(house: House) -> None:
    job = await house.load()
    view = house.supervisor.plugins["hello"]
    assert (job.state, job.progress, job.result["state"]) == ("done", 100, "running")
    assert (view.state_name, view.desired, view.enabled, view.version) == ("running", "running", True, "1.0.0")
    assert (view.process_id, view.signer, view.trust_level) == (101, "alice", "trusted")
    assert house.supervisor.instances[view.instance].usage().memory == 1 << 20
    assert "hello" in house.face.offered


@played
async def test_load_without_start_ends_in_loaded(house: House) -> None:
    await house.load(start=False)
    view = house.supervisor.plugins["hello"]
    assert (view.state_name, view.desired) == ("loaded", "loaded")


@played
async def test_every_move_and_back(house: House) -> None:
    await house.load(start=False)
    seen = []
    for verb in ("start", "suspend", "resume", "stop", "unload"):
        assert (await house.do(verb, "hello")).state == "done"
        seen.append(house.supervisor.plugins["hello"].state_name)
    assert seen == ["running", "suspended", "running", "loaded", "unloaded"]
    assert house.host.processes == {}


@played
async def test_install_starts_nothing(house: House) -> None:
    await house.do("install", kit=Kit())
    view = house.supervisor.plugins["hello"]
    assert (view.state_name, view.desired, view.summary) == ("unloaded", "unloaded", "fake hello")
    assert house.host.processes == {}


@played
async def test_remove_leaves_the_data_unless_told_to_purge(house: House) -> None:
    await house.load()
    await house.do("remove", "hello")
    assert "hello" not in house.supervisor.plugins
    assert "hello" in house.disk.data
    await house.load()
    await house.do("remove", "hello", purge=True)
    assert house.disk.data == house.disk.data_trash == {}


@played
async def test_loading_what_is_loaded_is_refused_with_its_state(house: House) -> None:
    await house.load()
    job = await house.load()
    assert (job.state, job.refusal["code"]) == ("failed", "wrong-state")


@played
async def test_a_version_side_by_side_is_chosen_by_name(house: House) -> None:
    await house.load()
    await house.do("install", kit=Kit(version="1.1.0"))
    view = house.supervisor.plugins["hello"]
    assert (view.versions, view.version, house.supervisor.instances[1].version) == (
        ("1.0.0", "1.1.0"),
        "1.1.0",
        "1.0.0",
    )
    await house.do("unload", "hello")
    await house.do("load", "hello", version="1.0.0", start=True)
    assert house.supervisor.plugins["hello"].version == "1.0.0"
    assert (await house.do("load", "hello", version="9.0")).refusal["code"] == "wrong-state"
    await house.do("unload", "hello")
    assert (await house.do("load", "hello", version="9.0")).refusal["code"] == "unknown-version"


@played
async def test_a_malformed_or_unknown_request_is_refused_at_the_door_and_audited(house: House) -> None:
    for request, code in (
        (Request(Verb.START, ROOT, "nobody"), "unknown-plugin"),
        (Request(Verb.START, ROOT, "hello", options={"x": 1}), "unknown-option"),
    ):
        with pytest.raises(Refused) as caught:
            house.supervisor.submit(request)
        assert caught.value.refusal.code == code
    assert [fields["code"] for fields in house.events("refused")] == ["unknown-plugin", "unknown-option"]


@played
async def test_bytes_that_are_no_package_are_refused_in_their_job(house: House) -> None:
    job = house.supervisor.submit(Request(Verb.LOAD, ROOT, package=b"garbage"))
    view = await house.supervisor.finished(job)
    assert (view.state, view.refusal["code"], view.plugin_name) == ("refused", "package-malformed", "")


async def planned_or_refused(house: House, request: Request) -> list[Step] | Refusal:
    try:
        return await house.supervisor.plan(request)
    except Refused as refused:
        return refused.refusal


@pytest.mark.parametrize("kit", [Kit(), Kit(network=("tcp:a:1",)), Kit(signer="eve")])
@played
async def test_a_dry_run_says_what_the_job_then_does_or_refuses(house: House, kit: Kit) -> None:
    request = Request(Verb.LOAD, ROOT, package=kit.data(), options={"start": True})
    before = repr(house.disk)
    planned = await planned_or_refused(house, request)
    assert repr(house.disk) == before
    job = await house.load(kit)
    if isinstance(planned, Refusal):
        assert (job.state, job.refusal["code"]) == ("refused", planned.code)
        return
    assert [step.describe() for step in planned] == [step.describe() for step in house.executed(job.id)]


@pytest.mark.parametrize("verb", ["start", "stop", "suspend", "resume", "unload", "remove", "enable", "disable"])
@pytest.mark.parametrize("state", ["loaded", "running", "suspended"])
@played
async def test_a_dry_run_of_every_verb_is_what_is_executed(house: House, verb: str, state: str) -> None:
    await house.load(start=state != "loaded")
    if state == "suspended":
        await house.do("suspend", "hello")
    planned = await planned_or_refused(house, Request(Verb(verb), ROOT, "hello"))
    job = await house.do(verb, "hello")
    if isinstance(planned, Refusal):
        assert job.refusal["code"] == planned.code
    else:
        assert [step.describe() for step in planned] == [step.describe() for step in house.executed(job.id)]


@played
async def test_a_dry_run_shows_the_steps_of_dependencies_first(house: House) -> None:
    await house.do("install", kit=Kit("base"))
    await house.do("install", kit=Kit("top", needs=(("base", ">=1", False),)))
    steps = await house.supervisor.plan(Request(Verb.LOAD, ROOT, "top"))
    assert list(dict.fromkeys(step.text("plugin") for step in steps)) == ["base", "top"]


@played
async def test_a_malformed_dry_run_is_refused(house: House) -> None:
    with pytest.raises(Refused) as caught:
        await house.supervisor.plan(Request(Verb.LOAD, ROOT))
    assert caught.value.refusal.code == "bad-request"
    assert [(one["subject"], one["code"]) for one in house.events("refused")] == [("plan load", "bad-request")]


@played
async def test_a_queued_job_can_be_cancelled(house: House) -> None:
    first = house.supervisor.submit(Request(Verb.LOAD, ROOT, package=Kit().data()))
    second = house.supervisor.submit(Request(Verb.LOAD, ROOT, package=Kit().data()))
    assert house.supervisor.cancel(second, ROOT) is None
    assert (await house.supervisor.finished(second)).state == "cancelled"
    assert (await house.supervisor.finished(first)).state == "done"


@played
async def test_a_running_job_is_cancelled_at_once_and_leaves_nothing(house: House) -> None:
    job = house.supervisor.submit(Request(Verb.LOAD, ROOT, package=Kit(behaviour={"hello": "hang"}).data()))
    await asyncio.sleep(1)
    assert house.supervisor.cancel(job, ROOT) is None
    view = await house.supervisor.finished(job)
    assert (view.state, view.refusal["code"], view.finished_at - view.created_at) == ("cancelled", "cancelled", 1)
    assert (house.host.processes, house.disk.packages, house.disk.plugins) == ({}, {}, {})


@played
async def test_past_the_point_of_no_return_nothing_is_cancelled(house: House) -> None:
    await house.load()
    job = house.supervisor.submit(Request(Verb.UNLOAD, ROOT, "hello"))
    refusals: list[Refusal | None] = []

    def cancel(point: str) -> None:
        if point == "before:end-instance":
            refusals.append(house.supervisor.cancel(job, ROOT))

    house.fate.on_point = cancel
    view = await house.supervisor.finished(job)
    assert view.state == "done"
    assert refusals[0] is not None
    assert refusals[0].code == "not-cancellable"


@played
async def test_a_job_that_is_over_or_never_was_cannot_be_cancelled(house: House) -> None:
    done = await house.load()
    for number, code in ((done.id, "not-cancellable"), (99, "unknown-job")):
        refusal = house.supervisor.cancel(number, ROOT)
        assert refusal is not None
        assert refusal.code == code


@played
async def test_one_plugin_waits_for_its_turn_and_another_does_not_wait_for_it(house: House) -> None:
    slow = house.supervisor.submit(Request(Verb.LOAD, ROOT, package=Kit("slow", behaviour={"hello": "slow"}).data()))
    start = house.loop.time()
    await house.load(Kit("quick"))
    assert house.loop.time() - start < 1
    await house.supervisor.finished(slow)
    assert house.loop.time() - start > 1


@played
async def test_configuration_is_validated_completed_and_told_to_the_plugin(house: House) -> None:
    await house.load()
    assert house.supervisor.config("hello") == {"interval": 1.0, "word": "hello"}
    job = await house.do("configure", "hello", values={"word": "hey"})
    assert job.state == "done"
    assert house.supervisor.config("hello") == {"interval": 1.0, "word": "hey"}
    assert house.host.processes[1].heard[-1] == "configure"
    assert house.events("config") == [{"plugin": "hello", "keys": "word"}]
    bad = await house.do("configure", "hello", values={"interval": -1})
    assert (bad.state, bad.refusal["code"]) == ("failed", "setting-invalid")


@played
async def test_configuration_of_an_unloaded_plugin_is_kept_for_its_next_start(house: House) -> None:
    await house.do("install", kit=Kit())
    await house.do("configure", "hello", values={"word": "hey"})
    assert house.supervisor.config("hello") == {"interval": 1.0, "word": "hey"}
    await house.do("load", "hello")
    assert house.supervisor.config("hello")["word"] == "hey"


@played
async def test_a_plugin_that_refuses_its_configuration_keeps_the_old_one(house: House) -> None:
    await house.load(Kit(behaviour={"configure": "refuse"}))
    job = await house.do("configure", "hello", values={"word": "hey"})
    assert (job.state, job.refusal["code"]) == ("failed", "plugin-raised")
    assert house.supervisor.config("hello")["word"] == "hello"
    assert house.supervisor.plugins["hello"].state_name == "running"


@played
async def test_what_is_not_installed_cannot_be_looked_at(house: House) -> None:
    for look in (
        lambda: house.supervisor.info("nobody"),
        lambda: house.supervisor.config("nobody"),
        lambda: house.supervisor.logs("nobody", 5),
        lambda: house.supervisor.check_capability("nobody", "network"),
        lambda: house.supervisor.check_dependencies("nobody"),
    ):
        with pytest.raises(Refused, match="not installed"):
            look()


@played
async def test_capabilities_are_answered_with_a_reason(house: House) -> None:
    await house.do("install", kit=Kit(files=("/proc/stat",)))
    assert house.supervisor.check_capability("hello", "filesystem") == (False, "hello is not loaded")
    await house.do("load", "hello")
    assert house.supervisor.check_capability("hello", "filesystem")[0]
    assert house.supervisor.check_capability("hello", "filesystem:read-only:/proc/stat")[0]
    assert house.supervisor.check_capability("hello", "filesystem:read-only:/etc/passwd") == (
        False,
        "hello does not ask for filesystem:read-only:/etc/passwd",
    )
    assert house.supervisor.check_capability("hello", "network") == (False, "hello does not ask for network")


@played
async def test_dependencies_logs_and_trust_are_answered(house: House) -> None:
    await house.do("install", kit=Kit(needs=(("base", ">=1", False), ("more", "", True))))
    assert house.supervisor.check_dependencies("hello") == [
        ("base", ">=1", "missing", ""),
        ("more", "", "optional", ""),
    ]
    assert house.supervisor.logs("hello", 5) == ["hello says hello"]
    assert house.supervisor.list_trust() == [{"name": "alice"}, {"name": "bob"}]


@played
async def test_what_is_lacking_is_shown_until_it_is_taken_back(house: House) -> None:
    assert house.supervisor.state == "running"
    house.supervisor.note_degraded("landlock", "file rights are not a second lock")
    assert (house.supervisor.state, house.supervisor.degraded["landlock"]) == (
        "degraded",
        "file rights are not a second lock",
    )
    house.supervisor.note_degraded("landlock", "")
    assert house.supervisor.state == "running"


@played
async def test_a_refusal_decided_in_front_of_it_is_audited(house: House) -> None:
    refusal = Refusal("not-authorised", "cannot load: nobody allowed it")
    house.supervisor.audited(refusal, caller=Caller(":1.9", 1000), subject="load")
    assert house.events("refused")[0]["caller"] == ":1.9"


@played
async def test_after_a_clean_stop_nothing_runs_and_desired_state_is_as_it_was(house: House) -> None:
    await house.load()
    await house.supervisor.stop()
    assert house.supervisor.state == "stopping"
    assert (house.host.processes, house.disk.instances) == ({}, {})
    assert house.disk.plugins["hello"].desired == "running"
    assert house.disk.audit


@played
async def test_a_strike_from_the_bus_counts_as_one_from_the_channel(house: House) -> None:
    await house.load()
    house.supervisor.calls.strike("hello", "a NUL in a string")
    house.supervisor.calls.strike("nobody", "a NUL in a string")
    assert [fields["reason"] for fields in house.events("strike")] == ["a NUL in a string"]
