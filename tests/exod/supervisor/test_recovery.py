"""The start after whatever ended the last daemon."""

import asyncio
from dataclasses import replace

import pytest

from exod.plan.policy import Policy
from exod.supervisor.ports import InstanceRecord
from tests.simulation.driver import bury
from tests.simulation.house import House, played
from tests.simulation.packages import Kit


@pytest.mark.parametrize("wanted", ["loaded", "running", "suspended", "unloaded"])
@played
async def test_each_desired_state_comes_back(house: House, wanted: str) -> None:
    await house.load(start=wanted != "loaded")
    verb = {"suspended": "suspend", "unloaded": "unload"}.get(wanted)
    if verb is not None:
        await house.do(verb, "hello")
    supervisor = await house.boot()
    assert supervisor.plugins["hello"].state_name == wanted


@played
async def test_a_disabled_plugin_is_not_started(house: House) -> None:
    await house.load()
    await house.do("disable", "hello")
    await house.supervisor.stop()
    supervisor = await house.boot()
    assert supervisor.plugins["hello"].state_name == "unloaded"


@played
async def test_dependencies_are_restored_first(house: House) -> None:
    await house.load(Kit("zero"))
    await house.load(Kit("mid", needs=(("zero", "", False),)))
    await house.load(Kit("all", needs=(("mid", "", False),)))
    await house.boot()
    assert [process.plugin for _, process in sorted(house.host.processes.items())] == ["zero", "mid", "all"]


@played
async def test_plugins_that_do_not_need_each_other_are_restored_side_by_side(house: House) -> None:
    for name in ("a", "b", "c"):
        await house.load(Kit(name, behaviour={"hello": "slow"}))
    start = house.loop.time()
    await house.boot()
    assert house.loop.time() - start < 10


@played
async def test_two_that_need_each_other_are_refused_and_block_nobody(house: House) -> None:
    await house.load(Kit("fine"))
    for name, other in (("one", "two"), ("two", "one")):
        await house.do("install", kit=Kit(name, needs=(("fine", "", False),)))
        await house.do("load", name)
        plain, ring = Kit(name, needs=(("fine", "", False),)), Kit(name, needs=((other, "", False),))
        row = house.disk.versions[(name, "1.0.0")]
        house.disk.packages[(name, "1.0.0")] = ring.data()
        assert plain != ring
        from hashlib import sha256

        house.disk.versions[(name, "1.0.0")] = replace(row, digest=sha256(ring.data()).hexdigest())
    supervisor = await house.boot()
    assert supervisor.plugins["fine"].state_name == "loaded" or supervisor.plugins["fine"].state_name == "running"
    assert {supervisor.plugins[name].fault["code"] for name in ("one", "two")} == {"dependency-cycle"}


@played
async def test_what_only_the_registry_or_only_the_keeper_knows_is_cleared_away(house: House) -> None:
    await house.load()
    house.disk.instances[7] = InstanceRecord(7, "hello", "1.0.0", "d", b"n", 1, 0, 0, 0.0)
    house.disk.instances.pop(1)
    house.disk.next_instance = 8
    await house.boot()
    assert set(house.host.processes) == set(house.disk.instances) == {8}


@played
async def test_a_survivor_that_cannot_be_ended_now_does_not_keep_the_daemon_from_starting(house: House) -> None:
    await house.load()
    fate = house.fresh_fate()
    fate.fail = lambda name: name == "sandbox.discard 1"
    supervisor = await house.boot(fate)
    assert supervisor.state == "running"


@played
async def test_a_job_that_cannot_be_settled_waits_and_is_settled_later(house: House) -> None:
    await house.do("install", kit=Kit("other"))
    house.fate.crash_point = "after:store-package"
    house.supervisor.submit(house.request("load", kit=Kit()))
    await house.died()
    await bury(house)
    fate = house.fresh_fate()
    fate.fail = lambda name: name == "packages.drop hello 1.0.0"
    supervisor = await house.boot(fate)
    assert (supervisor.state, house.disk.jobs[2].state) == ("running", "running")
    fate.fail = None
    assert (await house.load()).state == "done"
    assert (house.disk.jobs[2].state, supervisor.jobs[2].refusal["code"]) == ("failed", "interrupted")


@played
async def test_a_lost_trust_state_refuses_every_load_until_it_is_recovered(house: House) -> None:
    await house.load()
    house.disk.generation = 99
    supervisor = await house.boot()
    view = supervisor.plugins["hello"]
    assert (view.state_name, view.fault["code"]) == ("error", "trust-state-old")
    assert (supervisor.state, "trust" in supervisor.degraded) == ("degraded", True)
    assert (await house.load(Kit("new"))).refusal["code"] == "trust-state-old"
    assert (await house.do("unload", "hello")).state == "done"
    await supervisor.recover_trust(house.root)
    assert (await house.do("load", "hello")).state == "done"
    assert (house.disk.trust.owners, house.disk.generation) == ({"hello": "alice"}, 100)


@played
async def test_a_package_that_cannot_be_read_is_in_error_and_blocks_nobody(house: House) -> None:
    await house.load(Kit("bad"))
    await house.load(Kit("good"))
    house.disk.packages[("bad", "1.0.0")] = b"rubbish"
    supervisor = await house.boot()
    assert supervisor.plugins["good"].state_name == "running"
    assert (supervisor.plugins["bad"].state_name, supervisor.plugins["bad"].fault["code"]) == (
        "error",
        "package-malformed",
    )


@played
async def test_a_dependency_that_does_not_come_back_takes_only_its_dependents_along(house: House) -> None:
    await house.load(Kit("base"))
    await house.load(Kit("top", needs=(("base", "", False),)))
    await house.load(Kit("free"))
    await house.supervisor.stop()
    house.disk.packages[("base", "1.0.0")] = b"rubbish"
    supervisor = await house.boot()
    states = {name: view.state_name for name, view in supervisor.plugins.items()}
    assert states == {"base": "error", "top": "error", "free": "running"}


@played
async def test_a_clock_that_jumped_back_keeps_nothing_from_loading(house: House) -> None:
    await house.load()
    house.clock.offset -= 1e7
    supervisor = await house.boot()
    await asyncio.sleep(1)
    assert supervisor.plugins["hello"].state_name == "running"


@played
async def test_critical_plugins_come_first_with_what_they_need_and_deferred_ones_last(house: House) -> None:
    for kit in (Kit("late"), Kit("plain"), Kit("base"), Kit("vital", needs=(("base", "", False),))):
        await house.load(kit)
    await house.supervisor.stop()
    policies = {"vital": Policy(critical=True), "late": Policy(deferred=True)}
    house.disk.inputs = replace(house.disk.inputs, policies=policies)
    supervisor = await house.boot()
    assert [process.plugin for _, process in sorted(house.host.processes.items())] == ["base", "vital", "plain", "late"]
    assert list(supervisor.phases) == ["critical", "normal", "deferred"]


@played
async def test_who_waits_for_critical_plugins_waits_for_no_other(house: House) -> None:
    await house.load(Kit("vital"))
    await house.load(Kit("slow", behaviour={"hello": "slow"}))
    await house.supervisor.stop()
    house.disk.inputs = replace(house.disk.inputs, policies={"vital": Policy(critical=True)})
    supervisor = house.incarnation(house.fresh_fate())
    await supervisor.start()
    await supervisor.critical.wait()
    assert {name: view.state_name for name, view in supervisor.plugins.items()} == {
        "vital": "running",
        "slow": "unloaded",
    }
    await supervisor.restored.wait()


@played
async def test_a_critical_plugin_that_cannot_load_keeps_nobody_waiting(house: House) -> None:
    await house.load(Kit("vital"))
    await house.supervisor.stop()
    house.disk.inputs = replace(house.disk.inputs, policies={"vital": Policy(critical=True)})
    house.disk.packages[("vital", "1.0.0")] = b"rubbish"
    supervisor = house.incarnation(house.fresh_fate())
    await supervisor.start()
    await supervisor.critical.wait()
    await supervisor.restored.wait()
    assert supervisor.plugins["vital"].state_name == "error"
