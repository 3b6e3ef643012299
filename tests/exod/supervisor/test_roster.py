"""The roster: durable before it is seen, and no move that the table does not know."""

import asyncio

import pytest

from exod.errors import Refusal, Refused
from exod.supervisor.lifecycle import State
from exod.trust.state import TrustState
from tests.simulation.house import House, played
from tests.simulation.packages import Kit


@played
async def test_a_change_that_is_not_durable_is_not_seen(house: House) -> None:
    await house.load()
    house.fate.fail = lambda name: True
    with pytest.raises(OSError, match="injected"):
        await house.supervisor._roster.rewrite("hello", desired="loaded", enabled=True)
    assert house.supervisor.plugins["hello"].desired == "running"


@played
async def test_an_illegal_move_is_our_own_fault_and_says_so(house: House) -> None:
    await house.load()
    roster = house.supervisor._roster
    with pytest.raises(Refused, match="internal error: hello may not go from running to loading"):
        roster.move(roster.plugins["hello"], State.LOADING)
    assert house.supervisor.plugins["hello"].state_name == "running"


@played
async def test_a_move_to_where_it_is_is_no_event(house: House) -> None:
    await house.load()
    roster = house.supervisor._roster
    before = len(house.audit.written)
    roster.move(roster.plugins["hello"], State.RUNNING)
    assert len(house.audit.written) == before


@played
async def test_an_unloaded_plugin_fails_by_way_of_loading(house: House) -> None:
    await house.do("install", kit=Kit())
    roster = house.supervisor._roster
    for code in ("first", "second"):
        roster.fail(roster.plugins["hello"], Refusal(code, "cannot load hello: no"))
        assert house.supervisor.plugins["hello"].fault["code"] == code
    assert house.face.moves == [(State.UNLOADED, State.LOADING), (State.LOADING, State.ERROR)]


@played
async def test_owners_pinned_at_once_lose_nobody(house: House) -> None:
    house.fate.slow_rate = 1.0
    await asyncio.gather(*(house.load(Kit(name)) for name in ("a", "b", "c")))
    assert isinstance(house.disk.trust, TrustState)
    assert house.disk.trust.owners == {"a": "alice", "b": "alice", "c": "alice"}
    assert house.disk.trust.generation == house.disk.generation == 3


@played
async def test_the_registry_repeats_a_generation_that_a_crash_kept_from_it(house: House) -> None:
    await house.load()
    house.disk.generation = 0
    await house.boot()
    await house.load(Kit(version="1.0.0"))
    roster = house.supervisor._roster
    await roster.own("hello", owner="alice", mark="1.0.0", now=0, reason="pin")
    assert house.disk.generation == 1


@played
async def test_nobody_is_pinned_while_the_trust_state_is_lost(house: House) -> None:
    roster = house.supervisor._roster
    roster.trust = Refusal("trust-state-lost", "cannot trust: it is lost")
    with pytest.raises(Refused, match="lost"):
        await roster.own("hello", owner="alice", mark="1", now=0, reason="pin")
    await roster.saw_lists({"a" * 64: 1})
    assert roster.owner("hello") == ""


@played
async def test_forgetting_what_is_not_there_is_fine(house: House) -> None:
    house.supervisor._roster.forget(99)
    await house.supervisor._roster.drop_plugin("nobody")
    await house.supervisor._roster.drop_version("nobody", "1")
