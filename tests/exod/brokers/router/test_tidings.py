"""What is said of links reaches whoever is slow afterwards, in order, and only the last of it."""

from collections.abc import AsyncIterator

import pytest

from exod.brokers.router.tidings import Tidings
from exod.brokers.router.world import World
from exosdk import wire
from tests.exod.brokers.router import plugins
from tests.exod.brokers.router.plugins import Town


@pytest.fixture
async def town() -> AsyncIterator[Town]:
    async with plugins.town() as made:
        yield made


@pytest.fixture
def tidings(town: Town) -> Tidings:
    return Tidings(World(town.note, lambda: town.seconds, town.sleep, town.spawn))


async def test_one_that_takes_nothing_hears_the_last_of_each_link_and_subscriber(town: Town, tidings: Tidings) -> None:
    one = town.plugin("one", obeys=False, reads=False)
    for reason in ("stopped", "broken"):
        for link in (1, 2):
            tidings.tell(one, wire.Part(link, reason))
    for patterns in (("a/b",), ()):
        tidings.tell(one, wire.Route("other", patterns))
    assert not tidings.told(one)
    one.reads = True
    await town.quiet()
    assert one.frames == [wire.Part(1, "broken"), wire.Part(2, "broken"), wire.Route("other", ())]
    assert tidings.told(one)


async def test_of_one_that_is_gone_nothing_is_kept(town: Town, tidings: Tidings) -> None:
    one, other = town.plugin("one", reads=False), town.plugin("other", reads=False)
    for plugin in (one, other):
        tidings.tell(plugin, wire.Part(1, "broken"))
    one.there = False
    tidings.drop(other.id)
    await town.quiet()
    assert not tidings._kept


async def test_what_no_message_holds_is_said_to_nobody_and_keeps_nothing_back(town: Town, tidings: Tidings) -> None:
    one = town.plugin("one", obeys=False, reads=False)
    tidings.tell(one, wire.Route("other", ("x" * wire.MAX_FRAME,)))
    tidings.tell(one, wire.Part(1, "broken"))
    one.reads = True
    await town.quiet()
    assert one.frames == [wire.Part(1, "broken")]
