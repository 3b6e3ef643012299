"""Plugins that say what nobody says, as often as they can; that die, leave or sleep at the wrong moment."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from exod.brokers.router import rules
from exod.package.services import Method, Service
from exosdk import wire
from tests.exod.brokers.router import plugins
from tests.exod.brokers.router.plugins import Plugin, Town, linked


@pytest.fixture
async def town() -> AsyncIterator[Town]:
    async with plugins.town() as made:
        yield made


# --- what it says ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["link", "subscribe", "members", "laid", "broken", "leave", "held", "routes"])
async def test_a_key_as_long_as_a_message_is_answered_with_less(town: Town, kind: str) -> None:
    one = town.plugin("one")
    one.ask(kind, "x" * (wire.MAX_FRAME - 40), {"priority": "normal"}, one.then)
    await town.quiet()
    assert all(len(refused) <= 300 for _, refused in one.told)
    assert len(one.told) == (kind in ("link", "subscribe", "members", "routes"))


async def test_methods_that_no_message_holds_are_no_link(town: Town) -> None:
    methods = tuple(Method(f"M{number:060}") for number in range(64))
    services = tuple(Service(f"s{number:062}", f"org.exoos.S{number}", "any", methods) for number in range(9))
    one, other = town.plugin("one"), town.plugin("other", services=services)
    one.ask("link", "other", {"priority": "normal"}, one.then)
    await town.quiet()
    assert one.told[0][1].startswith("cannot link with other: the message has")
    assert not town.router.links()
    assert other.parted() == []


async def test_patterns_that_no_answer_holds_are_said_one_by_one(town: Town) -> None:
    pulse = town.plugin("pulse")
    for number in range(8):
        other = town.plugin(f"other-{number}")
        for last in range(rules.SUBSCRIPTIONS_MAX):
            other.want(0, "subscribe", f"pulse/{'x' * 240}{last}", None)
    await town.quiet()
    pulse.ask("routes", "", None, pulse.then)
    await town.quiet()
    ((answered, refused),) = pulse.told
    later = [frame.receiver for frame in pulse.frames if isinstance(frame, wire.Route)]
    assert refused == ""
    assert sorted([*answered, *later]) == [f"other-{number}" for number in range(8)]


async def test_one_that_asks_for_links_and_takes_none_cannot_make_questions_pile_up(town: Town) -> None:
    one = town.plugin("one", obeys=False)
    for name in ("a", "b", "c"):
        town.plugin(name)
    for _ in range(10):
        for name in ("a", "b", "c"):
            for priority in rules.PRIORITIES:
                one.ask("link", name, {"priority": priority}, one.then)
    assert len(town.tasks) <= 64
    assert sum(isinstance(frame, wire.Given) and "are being made" in frame.refused for frame in one.frames) == 90 - 64
    one.die()


async def test_nobody_is_sent_to_over_more_links_than_so_many(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "LINKS_MAX", 2)
    victim = town.plugin("victim")
    for name in ("a", "b"):
        await linked(town, town.plugin(name), victim)
    town.plugin("c").send("victim", b"x")
    await town.quiet()
    assert "one of them has 2 links already" in town.audit[-1]["refused"]


async def test_one_that_takes_no_links_leaves_nothing_by_asking_for_them(town: Town) -> None:
    one = town.plugin("one", held=False)
    one.ask("link", "other", {"priority": "normal"}, one.then)
    one.die()
    await town.quiet()
    assert not town.router._openings


async def test_a_subscriber_that_changes_its_mind_is_heard_of_once_in_a_while(town: Town) -> None:
    pulse, other = town.plugin("pulse"), town.plugin("other")
    pulse.ask("routes", "", None, pulse.then)
    await town.quiet()
    before = len(pulse.frames)
    for _ in range(100):
        other.want(0, "subscribe", "pulse/*", None)
        other.want(0, "leave", "", None)
    other.want(0, "subscribe", "pulse/cpu", None)
    await town.quiet()
    heard = [frame for frame in pulse.frames[before:] if isinstance(frame, wire.Route)]
    assert len(heard) <= 3
    assert heard[-1].patterns == ("pulse/cpu",)


# --- when it dies, leaves or sleeps ---------------------------------------------------------------------------------


async def test_one_that_fails_before_the_other_was_asked_is_no_error_that_nobody_looked_at(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("exod.brokers.router.steps._SECONDS", 0.05)
    said: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: said.append(context))
    one, other = town.plugin("one", obeys=False), town.plugin("other", reads=False)
    one.ask("link", "other", {"priority": "normal"}, one.then)
    await one.until(lambda: laid(one))
    one.want(0, "broken", str(laid(one)[0].link), None)
    await town.quiet()
    assert said == []
    assert other.frames == []


@pytest.mark.parametrize("how", ["dies", "leaves"])
@pytest.mark.parametrize("who", [0, 1], ids=["sender", "receiver"])
async def test_one_that_goes_when_both_ends_are_made_gets_no_house(town: Town, who: int, how: str) -> None:
    both = town.plugin("one", obeys=False), town.plugin("other", obeys=False)
    both[0].ask("link", "other", {"priority": "normal"}, both[0].then)
    await both[0].until(lambda: laid(both[1]))
    for plugin in both:
        plugin.want(0, "laid", str(laid(plugin)[0].link), None)
    if how == "dies":
        both[who].die()
    else:
        both[who].want(0, "leave", "", None)
    await town.quiet()
    assert not town.router.links()
    assert not town.router._doorbells._houses
    assert "left it meanwhile" in town.audit[-1]["refused"]


@pytest.mark.parametrize("who", [0, 1], ids=["sender", "receiver"])
async def test_one_that_is_being_ended_is_not_waited_for(town: Town, who: int) -> None:
    """Its channel is closed, and its end was not seen yet."""
    both = town.plugin("one"), town.plugin("other")
    both[who].reads = False
    both[0].ask("link", "other", {"priority": "normal"}, both[0].then)
    await asyncio.sleep(0)
    town.router.gone(both[who])
    await town.quiet()
    assert town.seconds < 1
    assert f"{both[who].plugin} is gone" in town.audit[-1]["refused"]


async def test_a_house_that_was_not_taken_is_built_again(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exod.brokers.router.steps._SECONDS", 0.05)
    one, other = town.plugin("one"), town.plugin("other")
    telling = other.tell
    other.tell = lambda frame, *more: not isinstance(frame, wire.House) and telling(frame, *more)  # type: ignore[method-assign]
    one.send("other", b"x")
    await town.quiet()
    assert not town.router._doorbells._houses
    other.tell = telling  # type: ignore[method-assign]
    one.mail.exchange._refused.clear()
    await linked(town, one, other)
    assert len(other.mail.exchange._houses) == 1


async def test_one_that_sleeps_hears_afterwards_that_a_link_is_no_more(town: Town) -> None:
    one, other = town.plugin("one"), town.plugin("other")
    await linked(town, one, other)
    other.reads = False
    one.die()
    for _ in range(20):
        await asyncio.sleep(0)
    assert other.parted() == []
    other.reads = True
    await town.quiet()
    assert other.parted() == ["instance-lost"]


async def test_one_that_sleeps_is_told_nothing_of_links_that_it_never_heard_of(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("exod.brokers.router.steps._SECONDS", 0.05)
    one, other = town.plugin("one"), town.plugin("other", reads=False)
    one.send("other", b"x")
    await town.quiet()
    other.reads = True
    assert other.frames == []
    assert not town.router._tidings._kept


async def test_what_ended_is_heard_before_what_begins(town: Town) -> None:
    one, other = town.plugin("one"), town.plugin("other")
    await linked(town, one, other)
    other.reads = False
    town.router._tidings._resting = True  # it says what it kept when there is something else to say
    one.want(0, "leave", "", None)
    one.ask("link", "other", {"priority": "normal"}, one.then)
    for _ in range(20):
        await asyncio.sleep(0)
    other.reads = True
    await town.quiet()
    order = [type(frame) for frame in other.frames if isinstance(frame, wire.Lay | wire.Part)]
    assert order == [wire.Lay, wire.Part, wire.Lay]
    assert len(town.router.links()) == 1


@pytest.mark.parametrize("steps", range(12))
@pytest.mark.parametrize("who", [0, 1], ids=["sender", "receiver"])
async def test_one_that_dies_at_any_moment_of_a_links_making_leaves_nothing(town: Town, who: int, steps: int) -> None:
    both = town.plugin("one"), town.plugin("other")
    both[0].ask("link", "other", {"priority": "normal"}, both[0].then)
    for _ in range(steps):
        await asyncio.sleep(0)
    both[who].die()
    await town.quiet()
    assert not town.router.links()
    assert not town.router._laid
    both[1 - who].mail.turn()
    left = both[1 - who].mail.exchange
    assert not any(left._ins.values())
    assert not left._outs


def laid(plugin: Plugin) -> list[wire.Lay]:
    return [frame for frame in plugin.frames if isinstance(frame, wire.Lay)]
