"""Plugins ask for links, send over them, die, subscribe; what they may not have they do not get, and it is audited."""

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from exod.brokers.router import rules
from exod.brokers.router.memories import sizes
from exod.package.services import Method, Service
from exosdk import wire
from exosdk.links import LinkError
from tests.exod.brokers.router import plugins
from tests.exod.brokers.router.plugins import Town, linked


@pytest.fixture
async def town() -> AsyncIterator[Town]:
    async with plugins.town() as made:
        yield made


DOOR = Service("door", "org.exoos.Door1", access="any", methods=(Method("Open"),))


# --- who may -------------------------------------------------------------------------------------------------------


async def test_two_that_name_each_other_are_linked_with_the_first_message(town: Town) -> None:
    one, other = town.plugin("one", "other"), town.plugin("other", "one")
    await linked(town, one, other)
    assert [(message.sender, bytes(message.data)) for message in other.heard] == [("one", b"first")]
    (link,) = town.router.links()
    assert (link.sender.plugin, link.receiver.plugin, link.shape.priority) == ("one", "other", "normal")
    assert town.audit[-1] == {
        "plugin": "one", "to": "other", "priority": "normal", "slots": 4096, "arena": 1 << 20, "refused": "",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("one", "other"),
    [(("else",), ("one",)), (("other",), ("else",)), (("other",), ()), (("*",), ("else",))],
    ids=["not-named", "not-named-back", "none", "anybody-is-not-named-back"],
)
async def test_what_one_of_them_does_not_name_is_refused_and_audited(
    town: Town, one: tuple[str, ...], other: tuple[str, ...]
) -> None:
    asker, asked = town.plugin("one", *one), town.plugin("other", *(other or ("nobody",)))
    asker.send("other", b"x")
    await town.quiet()
    assert not town.router.links()
    assert asked.frames == []
    assert "was not granted ipc with" in town.audit[-1]["refused"]
    with pytest.raises(LinkError, match="was not granted ipc with"):
        asker.send("other", b"again")


async def test_one_that_runs_machine_code_has_no_links(town: Town) -> None:
    one, _ = town.plugin("one"), town.plugin("other", native=True)
    one.send("other", b"x")
    await town.quiet()
    assert "other runs machine code of its own" in town.audit[-1]["refused"]


@pytest.mark.parametrize("name", ["away", "one", "", "../one", "ä"])
async def test_one_that_is_not_there_or_is_itself_is_refused(town: Town, name: str) -> None:
    one = town.plugin("one")
    one.ask("link", name, {"priority": "normal"}, one.then)
    await town.quiet()
    assert one.told[0][0] is None
    assert "cannot link one with" in one.told[0][1]


async def test_one_that_never_said_that_it_takes_links_is_sent_none(town: Town) -> None:
    one, old = town.plugin("one"), town.plugin("old", held=False)
    one.send("old", b"x")
    await town.quiet()
    assert old.frames == []
    old.ask("link", "one", {"priority": "normal"}, old.then)
    await town.quiet()
    assert "it does not run, or takes no links" in old.told[0][1]


async def test_a_second_link_of_the_same_priority_is_refused_another_priority_is_made(town: Town) -> None:
    one, other = town.plugin("one"), town.plugin("other")
    await linked(town, one, other)
    one.ask("link", "other", {"priority": "normal"}, one.then)
    await town.quiet()
    assert "has a link of priority normal already" in one.told[0][1]
    await linked(town, one, other, priority="urgent")
    assert len(town.router.links()) == 2


@pytest.mark.parametrize(
    "wanted",
    [
        None, [], "x", {}, {"priority": "fast"}, {"priority": 1}, {"slots": 64},
        *({"priority": "normal", "slots": slots} for slots in (33, 1 << 20, -1, True, "64")),
        *({"priority": "normal", "arena": arena} for arena in (1, 1 << 30)),
    ],
)  # fmt: skip
async def test_a_shape_that_is_none_is_refused(town: Town, wanted: Any) -> None:
    one, other = town.plugin("one"), town.plugin("other")
    one.ask("link", "other", wanted, one.then)
    await town.quiet()
    assert one.told[0][1].startswith("cannot link with other: ")
    assert other.frames == []


async def test_who_has_many_links_gets_small_ones(town: Town) -> None:
    one = town.plugin("one")
    for number in range(rules.FEW + 1):
        await linked(town, one, town.plugin(f"other-{number}"))
    made = [link.shape.slots for link in town.router.links()]
    assert made == [4096] * rules.FEW + [256]


async def test_nobody_has_more_links_than_so_many(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "LINKS_MAX", 2)
    one = town.plugin("one")
    for name in ("a", "b"):
        await linked(town, one, town.plugin(name))
    town.plugin("c")
    one.send("c", b"x")
    await town.quiet()
    assert "one of them has 2 links already" in town.audit[-1]["refused"]


async def test_more_questions_a_second_than_anybody_needs_are_refused_and_not_audited(town: Town) -> None:
    one = town.plugin("one")
    before = len(town.audit)
    for _ in range(600):
        one.ask("routes", "", None, one.then)
    await town.quiet()
    assert sum("questions a second" in refused for _, refused in one.told) == 600 + 1 - 512
    assert len(town.audit) == before


# --- how ------------------------------------------------------------------------------------------------------------


async def test_the_second_end_gets_its_memory_after_the_first_was_sealed(town: Town, monkeypatch: Any) -> None:
    order: list[str] = []
    one, other = town.plugin("one"), town.plugin("other")
    for plugin in (one, other):
        telling = plugin.tell

        def tell(frame: wire.Down, *descriptors: int, telling: Any = telling) -> bool:
            if isinstance(frame, wire.Lay | wire.Join):
                seals = fcntl.fcntl(descriptors[0], 1034) & 0x17
                mode = os.fstat(descriptors[0]).st_mode & 0o777
                order.append(f"{type(frame).__name__} {seals:#x} {mode:o}")
            return bool(telling(frame, *descriptors))

        plugin.tell = tell  # type: ignore[method-assign]
    await linked(town, one, other)
    assert order == ["Lay 0x0 0"] * 2 + ["Join 0x17 0"] * 2


@pytest.mark.parametrize("who", ["sender", "receiver"])
async def test_one_that_does_not_answer_leaves_the_other_without_anything(
    town: Town, who: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("exod.brokers.router.steps._SECONDS", 0.05)
    one, other = town.plugin("one"), town.plugin("other")
    (one if who == "sender" else other).obeys = False
    one.send("other", b"x")
    await town.quiet()
    assert not town.router.links()
    assert "was not made within" in town.audit[-1]["refused"]
    assert {"not-taken"} == {*one.parted(), *other.parted()}


async def test_one_whose_channel_is_full_is_waited_for(town: Town) -> None:
    one, other = town.plugin("one"), town.plugin("other")
    other.reads = False
    one.send("other", b"x")
    for _ in range(50):
        await asyncio.sleep(0)
    assert town.seconds > 0.1
    other.reads = True
    await other.until(lambda: other.heard)


async def test_one_that_changes_the_size_of_its_memory_gets_no_link(town: Town) -> None:
    one, other = town.plugin("one"), town.plugin("other")
    other.obeys = False
    telling = other.tell

    def tell(frame: wire.Down, *descriptors: int) -> bool:
        if isinstance(frame, wire.Lay):
            os.ftruncate(descriptors[0], sizes(frame.slots, frame.arena)[1] // 2)
            other.want(0, "laid", str(frame.link), None)
        return telling(frame, *descriptors)

    other.tell = tell  # type: ignore[method-assign]
    one.send("other", b"x")
    await town.quiet()
    assert "an end changed its memory" in town.audit[-1]["refused"]
    assert not any(isinstance(frame, wire.Join) for frame in [*one.frames, *other.frames])


async def test_an_end_that_cannot_be_made_is_said(town: Town) -> None:
    one, other = town.plugin("one"), town.plugin("other")
    other.obeys = False
    one.send("other", b"x")
    await one.until(lambda: any(isinstance(frame, wire.Lay) for frame in other.frames))
    lay = next(frame for frame in other.frames if isinstance(frame, wire.Lay))
    other.want(0, "broken", str(lay.link), None)
    await town.quiet()
    assert "other cannot map it" in town.audit[-1]["refused"]


async def test_one_bell_serves_all_links_to_a_plugin_and_one_house_all_who_send_to_it(town: Town) -> None:
    one, two, other = town.plugin("one"), town.plugin("two"), town.plugin("other")
    await linked(town, one, other)
    await linked(town, one, other, priority="bulk")
    await linked(town, two, other)
    assert [link.rings for link in town.router.links()] == [True, False, True]
    assert sum(isinstance(frame, wire.House) for frame in other.frames) == 1


@pytest.mark.parametrize("key", ["", "0", "x", "-1", "1" * 40, "١"])
@pytest.mark.parametrize("kind", ["laid", "broken"])
async def test_news_of_a_link_that_is_none_is_nothing(town: Town, kind: str, key: str) -> None:
    town.plugin("one").want(0, kind, key, None)
    assert town.audit == []


async def test_a_third_plugin_cannot_break_a_link_whose_number_it_knows(town: Town) -> None:
    one, other, third = town.plugin("one"), town.plugin("other"), town.plugin("third")
    await linked(town, one, other)
    (link,) = town.router.links()
    third.want(0, "broken", str(link.id), None)
    assert town.router.links() == [link]


# --- the end --------------------------------------------------------------------------------------------------------


async def test_an_end_that_dies_parts_its_links_and_the_other_hears_why(town: Town) -> None:
    one, other, third = town.plugin("one"), town.plugin("other"), town.plugin("third")
    await linked(town, one, other)
    await linked(town, other, one)
    await linked(town, one, third)
    other.die()
    await town.quiet()
    assert one.parted() == ["instance-lost", "instance-lost"]
    assert other.parted() == []
    assert [link.receiver.plugin for link in town.router.links()] == ["third"]


async def test_one_that_dies_while_a_link_is_made_leaves_nothing(town: Town) -> None:
    one, other = town.plugin("one"), town.plugin("other")
    other.obeys = False
    one.send("other", b"x")
    await one.until(lambda: other.frames)
    other.die()
    await town.quiet()
    assert not town.router.links()
    assert "other is gone" in town.audit[-1]["refused"]


async def test_one_that_is_stopped_leaves_and_can_come_back(town: Town) -> None:
    one, other = town.plugin("one"), town.plugin("other")
    await linked(town, one, other)
    other.mail.stop()
    await town.quiet()
    assert one.parted() == ["stopped"]
    await linked(town, one, other)


async def test_a_ring_that_an_end_finds_broken_is_parted_at_both(town: Town) -> None:
    one, other = town.plugin("one"), town.plugin("other")
    await linked(town, one, other)
    (link,) = town.router.links()
    other.want(0, "broken", str(link.id), None)
    await town.quiet()
    assert town.router.links() == []
    assert one.parted() == other.parted() == ["broken"]
    assert town.audit[-1]["refused"] == "other found it broken"


# --- services -------------------------------------------------------------------------------------------------------


async def test_an_end_is_told_what_the_other_may_call(town: Town) -> None:
    methods = (Method("Open"), Method("Kept", access="root"), Method("Ones", access="plugin:one"))
    service = Service("door", "org.exoos.Door1", access="any", methods=methods)
    one, other = town.plugin("one"), town.plugin("other", services=(service,))
    await linked(town, one, other)
    lays = {
        frame.sends: frame.calls for plugin in (one, other) for frame in plugin.frames if isinstance(frame, wire.Lay)
    }
    assert lays == {True: (), False: ("door.Open", "door.Ones")}


async def test_whose_calls_a_plugin_takes_changes_with_its_services(town: Town) -> None:
    one, other = town.plugin("one"), town.plugin("other", services=(DOOR,))
    await linked(town, one, other)
    await linked(town, other, one)
    other.services = (replace(DOOR, access="plugin:else"),)
    town.router.changed(other)
    await town.quiet()
    assert one.parted() == other.parted() == ["access-changed"], "the link back is as it was"
    await linked(town, one, other)
    (link,) = [link for link in town.router.links() if link.sender is one]
    assert link.calls == ()


async def test_a_change_that_changes_no_calls_parts_nothing(town: Town) -> None:
    one, other = town.plugin("one"), town.plugin("other", services=(DOOR,))
    await linked(town, one, other)
    town.router.changed(other)
    town.router.changed(one)
    assert len(town.router.links()) == 1
