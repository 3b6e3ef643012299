"""Threat 51: one caller who brings a plugin to a crash-loop verdict. The plugin is started again, ever more slowly; the
caller in whose calls it dies is turned away; the others are served.
"""

import asyncio
from dataclasses import replace

import pytest

from exod.errors import Refused
from exod.plan.policy import Policy
from exod.supervisor.calls import DEADLY
from exod.supervisor.ports import Caller, Wanted
from tests.simulation.house import House, played
from tests.simulation.packages import Kit

GREET = Wanted("method", "hello", "Greet", ["you"])


async def ready(house: House) -> None:
    policies = {"hello": Policy(critical=True)}
    house.supervisor._roster.inputs = house.disk.inputs = replace(house.disk.inputs, policies=policies)
    await house.load(Kit(critical=True))


async def kill(house: House, caller: Caller) -> str:
    """Makes the plugin die in this caller's call, and waits until it would be back."""
    with pytest.raises(Refused) as caught:
        await house.supervisor.calls.ask("hello", Wanted("method", "hello", "Die"), caller)
    await asyncio.sleep(1)
    return caught.value.refusal.code


@played
async def test_one_uid_never_brings_a_plugin_to_the_verdict_however_many_names_it_has(house: House) -> None:
    await ready(house)
    codes = [await kill(house, Caller(f":1.{number}", 1000)) for number in range(12)]
    assert codes[:DEADLY] == ["instance-lost"] * DEADLY
    assert set(codes[DEADLY:]) == {"deadly-caller"}
    view = house.supervisor.plugins["hello"]
    assert (view.state_name, view.restarts) == ("running", DEADLY)
    assert not [fields for fields in house.events("fault") if fields["code"] == "crash-loop"]


@played
async def test_the_others_are_served_meanwhile(house: House) -> None:
    await ready(house)
    for _ in range(DEADLY + 1):
        await kill(house, Caller(":1.7", 1000))
    assert await house.supervisor.calls.ask("hello", GREET, Caller(":1.8", 1001)) == ["hello you"]


@played
async def test_whoever_was_turned_away_may_come_back_when_the_window_is_over(house: House) -> None:
    await ready(house)
    for _ in range(DEADLY):
        await kill(house, Caller(":1.7", 1000))
    await asyncio.sleep(60)
    assert await house.supervisor.calls.ask("hello", GREET, Caller(":1.7", 1000)) == ["hello you"]


@played
async def test_a_plugin_that_dies_by_itself_is_in_a_loop_whoever_calls_it(house: House) -> None:
    await ready(house)
    for _ in range(5):
        house.sandbox.kill(max(house.host.processes))
        await asyncio.sleep(1)
    assert house.supervisor.plugins["hello"].fault["code"] == "crash-loop"
