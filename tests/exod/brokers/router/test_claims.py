"""An exod that begins anew believes of a link what both its ends say of it."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

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
    town.router._links.clear()
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


async def test_one_without_the_permission_takes_no_links(town: Town) -> None:
    one = town.plugin("one", held=False)
    one.ipc = ()
    one.want(0, "held", "", [])
    one.ask("subscribe", "a/b", None, one.then)
    await town.quiet()
    assert one.told == [(None, "cannot ask for subscribe: the plugin takes no links")]
