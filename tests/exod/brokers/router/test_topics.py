"""Who publishes learns who subscribed, as far as the two may be linked; nobody else does."""

from collections.abc import AsyncIterator

import pytest

from exod.brokers.router import rules
from exosdk import wire
from tests.exod.brokers.router import plugins
from tests.exod.brokers.router.plugins import Town


@pytest.fixture
async def town() -> AsyncIterator[Town]:
    async with plugins.town() as made:
        yield made


async def test_a_publisher_learns_who_wants_what_of_it_then_and_later(town: Town) -> None:
    pulse, early, late = town.plugin("pulse"), town.plugin("early"), town.plugin("late")
    seen: list[str] = []
    early.mail.subscribe("pulse/*", lambda message: seen.append(f"early {message.topic}"))
    await town.quiet()
    pulse.mail.publish("cpu", b"1", type_=5, priority="normal")
    await early.until(lambda: seen)
    late.mail.subscribe("*/cpu", lambda message: seen.append(f"late {message.topic}"))
    await town.quiet()
    assert pulse.mail.publish("cpu", b"2", type_=5, priority="normal") == 2
    await early.until(lambda: late.mail.turn() or len(seen) == 3)
    assert sorted(seen) == ["early pulse/cpu", "early pulse/cpu", "late pulse/cpu"]


async def test_a_publisher_hears_nothing_of_those_it_may_not_reach_or_who_want_others(town: Town) -> None:
    pulse = town.plugin("pulse", "friend")
    pulse.mail.publish("cpu", b"1", type_=5, priority="normal")
    for name, pattern in (("friend", "else/*"), ("stranger", "pulse/*")):
        town.plugin(name).mail.subscribe(pattern, lambda _message: None)
    await town.quiet()
    assert [frame.patterns for frame in pulse.frames if isinstance(frame, wire.Route)] == [()]
    assert pulse.mail.publish("cpu", b"2", type_=5, priority="normal") == 0


async def test_a_subscriber_that_is_gone_is_published_to_no_more(town: Town) -> None:
    pulse, other = town.plugin("pulse"), town.plugin("other")
    other.mail.subscribe("pulse/*", other.heard.append)
    await town.quiet()
    pulse.mail.publish("cpu", b"1", type_=5, priority="normal")
    await other.until(lambda: other.heard)
    other.die()
    await town.quiet()
    assert pulse.mail.publish("cpu", b"2", type_=5, priority="normal") == 0


@pytest.mark.parametrize("pattern", ["", "/", "A/b", "a//b", "a" * 300, "#2", "a/\n", "*a"])
async def test_a_pattern_that_is_none_is_refused(town: Town, pattern: str) -> None:
    one = town.plugin("one")
    one.ask("subscribe", pattern, None, one.then)
    await town.quiet()
    assert one.told[0][1].startswith("cannot subscribe")


async def test_so_many_subscriptions_and_no_more(town: Town) -> None:
    one = town.plugin("one")
    for number in range(rules.SUBSCRIPTIONS_MAX + 1):
        one.ask("subscribe", f"a/b{number}", None, one.then)
    await town.quiet()
    assert [refused for _, refused in one.told if refused] == [
        f"cannot subscribe to a/b{rules.SUBSCRIPTIONS_MAX}: the plugin has {rules.SUBSCRIPTIONS_MAX} subscriptions"
    ]


async def test_a_broadcast_reaches_those_of_the_type_that_may_be_reached(town: Town) -> None:
    one = town.plugin("one", "a", "b", "c")
    others = [town.plugin("a"), town.plugin("b", kind="ai-model"), town.plugin("c", "else"), town.plugin("d")]
    one.mail.broadcast("custom", b"all", one.then, type_=5, priority="normal")
    await town.quiet()
    assert one.told == [(["a"], "")]
    await others[0].until(lambda: others[0].heard)
