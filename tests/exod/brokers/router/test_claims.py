"""An exod that begins anew believes of a link what both its ends say of it."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from exod.package.services import Method, Service
from tests.exod.brokers.router import plugins
from tests.exod.brokers.router.plugins import Town, linked


@pytest.fixture
async def town() -> AsyncIterator[Town]:
    async with plugins.town() as made:
        yield made


async def test_an_exod_that_begins_anew_takes_over_the_links_that_both_ends_claim(town: Town) -> None:
    one, other = town.plugin("one"), town.plugin("other")
    await linked(town, one, other)
    fresh = Town()
    for plugin in (one, other):
        plugin.town = fresh
        plugin.mail.report()
    (link,) = fresh.router.links()
    assert (link.sender.plugin, link.receiver.plugin) == ("one", "other")
    one.send("other", b"second")
    await other.until(lambda: len(other.heard) == 2)
    other.die()
    await fresh.quiet()
    assert one.parted() == ["instance-lost"]
    for plugin in (one, other):
        town.router.gone(plugin)
    await town.quiet()
    town.router.close()


async def test_a_claim_that_nobody_shares_ends_after_a_while(town: Town) -> None:
    one = town.plugin("one", held=False)
    one.want(0, "held", "", [[77, "other", 9, True, "normal", 256, 4096]])
    await town.quiet()
    assert town.seconds >= 10
    assert one.parted() == ["instance-lost"]


@pytest.mark.parametrize(
    "claim",
    [
        [77, "one", 1, True, "normal", 256, 4096], [77, "else", 1, False, "normal", 256, 4096],
        [77, "one", 8, False, "normal", 256, 4096], [77, "one", 1, False, "urgent", 256, 4096],
        [77, "one", 1, False, "normal", 512, 4096],
    ],
    ids=["both-send", "another-peer", "another-instance", "another-priority", "another-size"],
)  # fmt: skip
async def test_claims_that_differ_are_nobodys(town: Town, claim: list[Any]) -> None:
    one, other = town.plugin("one", held=False), town.plugin("other", held=False)
    one.want(0, "held", "", [[77, "other", other.id, True, "normal", 256, 4096]])
    other.want(0, "held", "", [claim])
    await town.quiet()
    assert not town.router.links()
    assert one.parted() == other.parted() == ["broken"]


@pytest.mark.parametrize("said", [None, 7, "x", {}, [[]], [[1]], [["1", "a", 1, True, "normal", 1, 1]], [[1] * 7]])
async def test_claims_that_are_none_are_passed_over(town: Town, said: Any) -> None:
    one = town.plugin("one", held=False)
    one.want(0, "held", "", said)
    await town.quiet()
    assert one.parted() == []
    await linked(town, one, town.plugin("other"))


async def test_one_claims_once_and_keeps_nothing_by_claiming_again(town: Town) -> None:
    one = town.plugin("one")
    for number in range(1, 9):
        one.want(0, "held", "", [[number, "other", 9, True, "normal", 256, 4096]])
    assert not town.tasks
    assert not town.router._claims


@pytest.mark.parametrize(
    "lie",
    [
        [0, "other", 2, True, "normal", 256, 4096], [-1, "other", 2, True, "normal", 256, 4096],
        [1 << 63, "other", 2, True, "normal", 256, 4096], [77, "other", 2, True, "normal", -1, 4096],
        [77, "other", 2, True, "normal", 256, 1 << 40], [77, "other", 2, True, "normal", 33, 4096],
    ],
)  # fmt: skip
async def test_two_that_lie_together_get_no_row_that_a_bus_cannot_carry(town: Town, lie: list[Any]) -> None:
    one, other = town.plugin("one", held=False), town.plugin("other", held=False)
    one.want(0, "held", "", [lie])
    other.want(0, "held", "", [[lie[0], "one", one.id, False, *lie[4:]]])
    await town.quiet()
    assert not town.router.links()


async def test_nobody_is_linked_with_itself_by_claiming_both_ends(town: Town) -> None:
    one = town.plugin("one", held=False)
    one.want(0, "held", "", [[77, "one", one.id, sends, "normal", 256, 4096] for sends in (True, False)])
    await town.quiet()
    assert not town.router.links()


async def test_two_that_may_not_be_linked_are_not_by_claiming_it(town: Town) -> None:
    one, other = town.plugin("one", "other", held=False), town.plugin("other", "else", held=False)
    one.want(0, "held", "", [[77, "other", other.id, True, "normal", 256, 4096]])
    other.want(0, "held", "", [[77, "one", one.id, False, "normal", 256, 4096]])
    await town.quiet()
    assert not town.router.links()
    assert one.parted() == other.parted() == ["broken"]


async def test_a_link_that_is_there_is_nobody_elses_by_claiming_its_number(town: Town) -> None:
    one, other = town.plugin("one"), town.plugin("other")
    await linked(town, one, other)
    (link,) = town.router.links()
    third, fourth = town.plugin("third", held=False), town.plugin("fourth", held=False)
    third.want(0, "held", "", [[link.id, "fourth", fourth.id, True, "normal", 256, 4096]])
    fourth.want(0, "held", "", [[link.id, "third", third.id, False, "normal", 256, 4096]])
    await town.quiet()
    assert town.router.links() == [link]


async def test_whoever_claims_and_dies_leaves_no_claim_to_agree_with(town: Town) -> None:
    one, other = town.plugin("one", held=False), town.plugin("other", held=False)
    one.want(0, "held", "", [[77, "other", other.id, True, "normal", 256, 4096]])
    one.die()
    other.want(0, "held", "", [[77, "one", one.id, False, "normal", 256, 4096]])
    await town.quiet()
    assert not town.router.links()
    assert other.parted() == ["instance-lost"]


async def test_a_rule_that_changed_while_no_exod_was_there_holds_for_links_of_before(town: Town) -> None:
    door = Service("door", "org.exoos.Door1", access="any", methods=(Method("Open"),))
    one, other = town.plugin("one"), town.plugin("other", services=(door,))
    await linked(town, one, other)
    ((incoming,),) = [list(other.mail.exchange._ins["normal"])]
    assert incoming.calls == {"door.Open"}
    fresh = Town()
    other.services = (replace(door, access="plugin:else"),)
    for plugin in (one, other):
        plugin.town = fresh
        plugin.mail.report()
    await other.until(lambda: not incoming.calls)
    assert len(fresh.router.links()) == 1
    for plugin in (one, other):
        town.router.gone(plugin)
    await town.quiet()
    town.router.close()


async def test_one_without_the_permission_takes_no_links(town: Town) -> None:
    one = town.plugin("one", held=False)
    one.ipc = ()
    one.want(0, "held", "", [])
    one.ask("subscribe", "a/b", None, one.then)
    await town.quiet()
    assert one.told == [(None, "cannot ask for subscribe: the plugin takes no links")]
