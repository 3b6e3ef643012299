"""What happens when an instance ends unasked."""

import asyncio
from dataclasses import replace

import pytest

from exod.errors import Refusal
from exod.plan.policy import Policy
from exod.supervisor.ports import Exit
from tests.simulation.house import House, played
from tests.simulation.packages import Kit

CRITICAL = Kit(critical=True)


def allow(house: House) -> None:
    house.disk.inputs = replace(house.disk.inputs, policies={"hello": Policy(critical=True)})
    house.supervisor._roster.inputs = house.disk.inputs


@pytest.mark.parametrize("cause", ["exited", "signal", "oom"])
@played
async def test_a_plugin_that_ends_is_in_error_with_the_cause(house: House, cause: str) -> None:
    await house.load()
    house.sandbox.kill(1, cause=cause, status=9)
    await house.quiet()
    view = house.supervisor.plugins["hello"]
    assert (view.state_name, view.fault["evidence.cause"], view.instance) == ("error", cause, 0)
    assert (house.disk.instances, house.face.offered) == ({}, {})
    assert [(fields["cause"], fields["expected"]) for fields in house.events("exit")] == [(cause, "False")]
    assert len(house.events("fault")) == 1


@played
async def test_a_plugin_that_is_not_critical_is_not_restarted(house: House) -> None:
    await house.load(CRITICAL)
    house.sandbox.kill(1)
    await asyncio.sleep(100)
    assert house.supervisor.plugins["hello"].restarts == 0


@played
async def test_a_critical_plugin_is_running_again_within_a_second(house: House) -> None:
    allow(house)
    await house.load(CRITICAL)
    house.sandbox.kill(1)
    await asyncio.sleep(1)
    view = house.supervisor.plugins["hello"]
    assert (view.state_name, view.restarts, view.critical) == ("running", 1, True)
    assert len(house.events("restart")) == 1


@played
async def test_a_crash_loop_ends_in_error_loudly(house: House) -> None:
    allow(house)
    await house.load(CRITICAL.but(behaviour={"later": 0.01}))
    await asyncio.sleep(100)
    view = house.supervisor.plugins["hello"]
    assert (view.state_name, view.fault["code"], view.restarts) == ("error", "crash-loop", 4)
    assert house.events("fault")[-1]["code"] == "crash-loop"


@played
async def test_a_suspended_critical_plugin_comes_back_suspended(house: House) -> None:
    allow(house)
    await house.load(CRITICAL)
    await house.do("suspend", "hello")
    house.sandbox.kill(1)
    await asyncio.sleep(1)
    assert house.supervisor.plugins["hello"].state_name == "suspended"
    assert next(iter(house.host.processes.values())).frozen


@played
async def test_a_restart_that_somebody_forestalled_does_nothing(house: House) -> None:
    allow(house)
    await house.load(CRITICAL)
    house.sandbox.kill(1)
    await asyncio.sleep(1)
    house.sandbox.kill(2)  # whose restart waits a moment
    await house.quiet(steps=20)
    await house.do("load", "hello", start=True)
    await asyncio.sleep(1)
    assert house.supervisor.plugins["hello"].restarts == 1


@played
async def test_a_restart_that_is_refused_leaves_the_reason(house: House) -> None:
    allow(house)
    await house.load(CRITICAL)
    house.disk.inputs = replace(house.disk.inputs, anchors=())
    house.supervisor._roster.inputs = house.disk.inputs
    house.sandbox.kill(1)
    await asyncio.sleep(1)
    view = house.supervisor.plugins["hello"]
    assert (view.state_name, view.fault["code"]) == ("error", "signer-unknown")


@played
async def test_what_cannot_be_cleared_away_now_is_left_to_the_next_start(house: House) -> None:
    await house.load()
    house.fate.fail = lambda name: "drop_instance" in name
    house.sandbox.kill(1)
    await house.quiet()
    assert (house.supervisor.plugins["hello"].state_name, set(house.disk.instances)) == ("error", {1})
    await house.boot()
    assert set(house.disk.instances) == {2}


@played
async def test_the_end_of_an_instance_is_believed_once(house: House) -> None:
    await house.load()
    guard = house.supervisor._guard
    instance = house.supervisor._roster.instances[1]
    guard.exited(Exit(1, "signal", 9))
    guard.exited(Exit(1, "signal", 9))
    guard.exited(Exit(77, "signal", 9))
    guard.broken(instance, Refusal("x", "x"))
    guard.broken(instance, Refusal("x", "x"), crash=False)
    await house.quiet()
    assert len(house.events("exit")) == len(house.events("fault")) == 1


@played
async def test_the_loss_of_the_keeper_ends_all_and_desired_state_comes_back(house: House) -> None:
    await house.load()
    await house.load(Kit("other"))
    house.sandbox.refuse_attach = 3
    house.sandbox.lose_keeper()
    await house.quiet()
    assert {view.state_name for view in house.supervisor.plugins.values()} == {"error"}
    assert {view.fault["code"] for view in house.supervisor.plugins.values()} == {"keeper-lost"}
    await asyncio.sleep(10)
    assert {view.state_name for view in house.supervisor.plugins.values()} == {"running"}
    assert len(house.host.processes) == 2
