"""All links of an instance: what the channel hands over, which link comes first, and what a hostile peer gets."""

import os
import select
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from exod.brokers.router.memories import Memories
from exosdk import ring, wire
from exosdk.exchange import Exchange
from exosdk.links import LinkError, Out
from exosdk.message import Envelope, Kind
from tests.exosdk import post_office
from tests.exosdk.post_office import ARENA, SLOTS, Office, nothing_left_open

ENVELOPE = Envelope(1, Kind.MESSAGE, 0).pack()


class Rig:
    """An Exchange with nobody behind it."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, Any]] = []
        self.told: list[tuple[str, str]] = []
        self.over: list[Out | None] = []
        self.then: Callable[[Any, str], Any] = print
        self.now = 0.0
        self.exchange = Exchange(
            ask=self._ask,
            tell=lambda kind, key, _: self.told.append((kind, key)),
            monotonic=lambda: self.now,
            patience=1.0,
            deliver=lambda *_: None,
            over=self.over.append,
        )

    def _ask(self, kind: str, key: str, value: Any, then: Callable[[Any, str], Any]) -> None:
        self.asked.append((kind, key, value))
        self.then = then

    def out(self, peer: str = "bob") -> Out:
        return self.exchange.out(peer, "normal", full="error")


@pytest.fixture
def rig() -> Iterator[Rig]:
    with nothing_left_open():
        made = Rig()
        yield made
        made.exchange.close("over")


def lay(*, sends: bool, link: int = 1, slots: int = SLOTS, priority: str = "normal", instance: int = 9) -> wire.Lay:
    return wire.Lay(link, "bob", instance, sends, priority, slots, ARENA, ())


def of(memory: int) -> tuple[int]:
    return (os.dup(memory),)


# --- what the channel hands over -------------------------------------------------------------------------------------


def test_a_link_is_asked_for_once_with_its_shape(rig: Rig) -> None:
    first = rig.exchange.out("bob", "bulk", full="error", slots=64, arena=4096)
    assert rig.exchange.out("bob", "bulk", full="block") is first
    assert rig.asked == [("link", "bob", {"priority": "bulk", "slots": 64, "arena": 4096})]


def test_a_refusal_is_remembered_for_one_second(rig: Rig) -> None:
    rig.out()
    rig.then(None, "cannot link: no")
    with pytest.raises(LinkError, match="cannot link: no"):
        rig.out()
    rig.now = 0.99
    with pytest.raises(LinkError):
        rig.out()
    rig.now = 1.0
    rig.out()
    assert len(rig.asked) == 2


def test_a_refusal_that_comes_late_is_not_of_the_link_that_was_asked_for_since(rig: Rig) -> None:
    rig.out()
    refuse, before = rig.then, rig.out()
    with Memories(SLOTS, ARENA) as memory:
        rig.exchange.lay(lay(sends=True), of(memory.front))
    rig.exchange.part(1, "not-taken")
    again = rig.out()
    refuse(None, "cannot link: it is gone")
    assert (rig.out(), rig.over) == (again, [before])


def test_a_question_too_many_is_a_link_that_cannot_be_made(rig: Rig) -> None:
    def refuse(*_: Any) -> None:
        raise wire.MalformedError("64 questions are open already")

    rig.exchange._ask = refuse
    with pytest.raises(LinkError, match="cannot link with bob: 64 questions are open"):
        rig.out()
    assert rig.exchange.counts() == [[], []]


@pytest.mark.parametrize("sends", [True, False])
def test_an_end_that_is_made_is_told_and_one_that_cannot_be_made_as_well(rig: Rig, sends: bool) -> None:
    with Memories(SLOTS, ARENA) as memory:
        own = memory.front if sends else memory.back
        rig.exchange.lay(lay(sends=sends, slots=33), of(own))
        rig.exchange.lay(lay(sends=sends, link=2), (*of(own), *of(own)))
        rig.exchange.lay(lay(sends=sends, link=3), ())
        rig.exchange.lay(lay(sends=sends, link=4), of(own))
    assert rig.told == [("broken", "1"), ("broken", "2"), ("broken", "3"), ("laid", "4")]


@pytest.mark.parametrize("sends", [True, False])
def test_a_memory_without_its_seals_is_not_joined(rig: Rig, sends: bool) -> None:
    with Memories(SLOTS, ARENA) as memory:
        mine, other = (memory.front, memory.back) if sends else (memory.back, memory.front)
        rig.exchange.lay(lay(sends=sends), of(mine))
        bell = (os.eventfd(0),) if sends else ()
        rig.exchange.join(1, (*of(other), *bell))
        assert rig.told == [("laid", "1"), ("broken", "1")]
        assert rig.exchange.claims() == []
        rig.exchange.join(1, ())
        assert rig.told[-1] == ("broken", "1")
        rig.exchange.part(1, "not-taken")


def test_what_comes_for_a_link_that_is_gone_is_closed(rig: Rig) -> None:
    rig.exchange.join(5, (os.eventfd(0), os.eventfd(0)))
    rig.exchange.part(5, "stopped")
    assert rig.told == []


def test_two_links_to_one_peer_share_one_doorbell(office: Office) -> None:
    ada, bob = office.plugin("ada"), office.plugin("bob")
    ada.send("bob", b"1")
    ada.send("bob", b"2", priority="urgent")
    office.settle()
    assert office.opened("eventfd") == 1
    office.run()
    assert sorted(bob.said) == [b"1", b"2"]


def test_a_second_doorbell_is_closed_and_the_first_still_rings_for_all(office: Office) -> None:
    office.bells_each_time = True
    ada, bob = office.plugin("ada"), office.plugin("bob")
    ada.send("bob", b"1")
    ada.send("bob", b"2", priority="urgent")
    office.run()
    assert office.opened("eventfd") == 1
    for link in tuple(office.links):
        assert rings(ada, bob, link.priority)
    office.part(office.between(ada, bob, "normal"), "broken")
    assert rings(ada, bob, "urgent")
    office.part(office.between(ada, bob, "urgent"), "broken")
    assert office.opened("eventfd") == 0


def rings(sender: post_office.Plugin, receiver: post_office.Plugin, priority: str) -> bool:
    """Whether who waits in poll is told of a message."""
    (house,) = receiver.mail.exchange._houses
    receiver.mail.turn()
    assert receiver.mail.wait()
    sender.send(receiver.name, b"x", priority=priority)
    rung = select.select([house], [], [], 0)[0] == [house]
    receiver.mail.exchange.awake()
    receiver.mail.turn()
    return rung


def test_who_waits_is_told_of_the_house(rig: Rig) -> None:
    heard: list[int] = []
    rig.exchange.heard_by(heard.append)
    house = select.epoll()
    number = os.dup(house.fileno())
    rig.exchange.house((number,))
    house.close()
    assert heard == [number]
    rig.exchange._houses[0].close()


# --- what is told of them --------------------------------------------------------------------------------------------


def test_both_ends_claim_the_same_of_a_link(office: Office) -> None:
    ada, bob = office.plugin("ada"), office.plugin("bob")
    ada.link("bob", priority="bulk", slots=64, arena=4096)
    assert ada.mail.exchange.claims() == []
    office.run()
    (link,) = office.links
    assert ada.mail.exchange.claims() == [[link.id, "bob", bob.instance, True, "bulk", 64, 4096]]
    assert bob.mail.exchange.claims() == [[link.id, "ada", ada.instance, False, "bulk", 64, 4096]]


def test_what_was_not_joined_is_forgotten_with_the_exod_that_made_it(rig: Rig) -> None:
    with Memories(SLOTS, ARENA) as memory, Memories(SLOTS, ARENA) as other:
        rig.out()
        rig.exchange.lay(lay(sends=True), of(memory.front))
        rig.exchange.lay(lay(sends=False, link=2), of(other.back))
        sender = ring.Producer(other.front, slots=SLOTS, arena=ARENA)
        other.seal()
        rig.exchange.lay(lay(sends=False, link=3, priority="bulk"), of(memory.back))
        rig.exchange.join(2, of(other.front))
        rig.exchange.forget()
    assert [one[0] for one in rig.exchange.claims()] == [2]
    assert [row[0] for row in rig.exchange.counts()[1]] == [2]
    assert len(rig.over) == 2
    sender.close()


# --- which comes first -----------------------------------------------------------------------------------------------


def test_an_urgent_message_overtakes_all_that_wait_in_other_links(office: Office) -> None:
    ada, bob = office.plugin("ada"), office.plugin("bob")
    for priority in ("bulk", "normal", "urgent"):
        ada.link("bob", priority=priority)
    office.settle()
    for _ in range(40):
        ada.send("bob", b"bulk", priority="bulk")
        ada.send("bob", b"normal")
    ada.send("bob", b"urgent", priority="urgent")
    bob.mail.turn()
    assert bob.said == [b"urgent", *[b"normal"] * 16, *[b"bulk"] * 4]


def test_what_is_urgent_waits_for_no_more_than_a_share_of_one_link(office: Office) -> None:
    ada, bob = office.plugin("ada"), office.plugin("bob")
    for priority in ("bulk", "normal", "urgent"):
        ada.link("bob", priority=priority)
    office.settle()
    for _ in range(40):
        ada.send("bob", b"normal")
        ada.send("bob", b"bulk", priority="bulk")

    def hear(message: Any) -> None:
        if not bob.heard:
            ada.send("bob", b"urgent", priority="urgent")
        bob.heard.append(message)

    bob.mail.on_message = hear
    bob.mail.turn()
    assert bob.said.index(b"urgent") == 16


def test_no_link_waits_until_another_is_empty(office: Office) -> None:
    bob = office.plugin("bob")
    senders = [office.plugin(f"p{number}") for number in range(20)]
    for one in senders:
        one.link("bob")
    office.settle()
    for one in senders[:-1]:
        for _ in range(100):
            one.send("bob", b"much")
    senders[-1].send("bob", b"little")
    bob.mail.turn()
    counted = {one.name: sum(heard.sender == one.name for heard in bob.heard) for one in senders}
    assert counted == {**{one.name: 16 for one in senders}, senders[-1].name: 1}


def test_a_plugin_that_does_not_run_is_given_nothing_and_loses_nothing(office: Office) -> None:
    ada, bob = office.plugin("ada"), office.plugin("bob")
    bob.mail.exchange.running = False
    ada.send("bob", b"x")
    office.run()
    assert (bob.said, bob.mail.wait()) == ([], None)
    bob.mail.exchange.running = True
    office.run()
    assert bob.said == [b"x"]


# --- how long may be waited ------------------------------------------------------------------------------------------


def test_the_wait_ends_with_what_is_there_with_what_waits_for_room_and_else_late(office: Office) -> None:
    ada, bob = office.plugin("ada"), office.plugin("bob")
    assert bob.mail.wait() is None
    ada.link("bob", full="drop-oldest", slots=32)
    office.run()
    assert bob.mail.wait() == 0.1
    bob.mail.exchange.awake()
    for _ in range(33):
        ada.send("bob", b"x")
    assert (ada.mail.wait(), bob.mail.wait()) == (0.01, 0.0)
    office.run()
    assert (ada.mail.wait(), bob.mail.wait()) == (None, 0.1)


def test_what_waits_for_room_delays_nothing_that_comes_in(office: Office) -> None:
    ada, bob, eve = (office.plugin(name) for name in ("ada", "bob", "eve"))
    bob.mail.exchange.running = False
    ada.link("bob", full="drop-oldest", slots=32)
    eve.link("ada")
    office.settle()
    for _ in range(40):
        ada.send("bob", b"x")
    assert ada.mail.wait() == 0.01
    ada.mail.exchange.awake()
    assert rings(eve, ada, "normal")
    eve.send("ada", b"y")
    assert ada.mail.wait() == 0.0
