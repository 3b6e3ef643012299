"""Calls of services: to whom, what exists, how long, and who is turned away."""

import asyncio
from dataclasses import replace

import pytest

from exod.errors import Outcome, Refusal, Refused
from exod.plan.policy import Policy
from exod.supervisor.ports import Caller, Wanted
from tests.simulation.house import ROOT, House, played
from tests.simulation.packages import Kit

ADA, BOB = Caller(":1.7", 1000), Caller(":1.8", 1001)
GREET, DIE = Wanted("method", "hello", "Greet", ["x"]), Wanted("method", "hello", "Die")


async def refusal(awaitable: object) -> Refusal:
    with pytest.raises(Refused) as caught:
        await awaitable  # type: ignore[misc]
    return caught.value.refusal


@played
async def test_a_method_answers_and_counts_as_activity(house: House) -> None:
    await house.load()
    await asyncio.sleep(5)
    before = house.supervisor.info("hello")["last_activity"]
    assert await house.supervisor.calls.ask("hello", Wanted("method", "hello", "Greet", ["ada"]), ADA) == ["hello ada"]
    assert house.supervisor.info("hello")["last_activity"] == before + 5
    assert await house.supervisor.calls.ask("hello", Wanted("get", "hello", "Count"), ADA) == 1
    await house.supervisor.calls.ask("hello", Wanted("set", "hello", "Word", ["hey"]), ADA)


@played
async def test_what_was_not_declared_does_not_exist(house: House) -> None:
    await house.load()
    ask = house.supervisor.calls.ask
    for unknown in (
        ask("hello", Wanted("method", "hello", "Fly"), ADA),
        ask("hello", Wanted("method", "other", "Greet"), ADA),
        ask("nobody", Wanted("method", "hello", "Greet"), ADA),
        ask("hello", Wanted("get", "hello", "Age"), ADA),
    ):
        assert (await refusal(unknown)).outcome is Outcome.NOT_FOUND
    assert (await refusal(ask("hello", Wanted("set", "hello", "Count", [3]), ADA))).code == "read-only"


@pytest.mark.parametrize("verb", ["stop", "suspend", "unload"])
@played
async def test_a_plugin_that_does_not_run_is_not_called(house: House, verb: str) -> None:
    await house.load()
    await house.do(verb, "hello")
    assert (await refusal(house.supervisor.calls.ask("hello", GREET, ADA))).code == "not-running"


@pytest.mark.parametrize(("conduct", "code"), [("hang", "call-timeout"), ("refuse", "plugin-raised")])
@played
async def test_a_call_that_fails_is_the_callers_matter_only(house: House, conduct: str, code: str) -> None:
    await house.load(Kit(behaviour={"call": conduct}))
    start = house.loop.time()
    assert (await refusal(house.supervisor.calls.ask("hello", GREET, ADA))).code == code
    assert house.loop.time() - start <= 2.001
    assert house.supervisor.plugins["hello"].state_name == "running"
    # A plugin that has not answered may still be at work on it.
    assert house.supervisor._roster.instances[1].calls == ([ADA] if conduct == "hang" else [])


@played
async def test_a_call_that_came_too_late_is_its_callers_until_a_later_one_is_answered(house: House) -> None:
    """A crash after the deadline is laid to who asked, not to who asked next."""
    await house.load()
    instance = house.supervisor._roster.instances[1]
    instance.calls = [replace(ADA)]
    assert instance.serving == ADA.uid
    await house.supervisor.calls.ask("hello", GREET, BOB)
    assert instance.serving is None


@played
async def test_a_caller_in_whose_calls_it_keeps_dying_is_turned_away_and_audited(house: House) -> None:
    house.supervisor._roster.inputs = replace(house.disk.inputs, policies={"hello": Policy(critical=True)})
    await house.load(Kit(critical=True))
    for _ in range(3):
        assert (await refusal(house.supervisor.calls.ask("hello", DIE, ADA))).code == "instance-lost"
        await asyncio.sleep(1)
    assert (await refusal(house.supervisor.calls.ask("hello", GREET, ADA))).code == "deadly-caller"
    assert await house.supervisor.calls.ask("hello", GREET, BOB) == ["hello x"]
    assert await house.supervisor.calls.ask("hello", GREET, ROOT) == ["hello x"]
    assert [fields["code"] for fields in house.events("refused")] == ["deadly-caller"]
