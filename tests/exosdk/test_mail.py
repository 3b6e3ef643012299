"""What a plugin sends and hears: each message once and in order."""

from typing import Any

import pytest

from exosdk.links import KEPT, FullError, LinkError
from exosdk.mail import INBOX_MAX
from exosdk.message import CUSTOM, PRIORITIES, Envelope, Kind
from tests.exosdk.post_office import ARENA, Office, Plugin

BIG = bytes(range(256)) * 8


def packed(
    kind: Kind, *, number: int = 1, answers: int = 0, topic: str = "", sent: int = 0, patience: int = 0
) -> bytes:
    return Envelope(number, kind, sent, answers=answers, patience=patience, topic=topic).pack()


# --- messages --------------------------------------------------------------------------------------------------------


def test_every_message_arrives_once_and_in_order(office: Office, ada: Plugin, bob: Plugin) -> None:
    sent = []
    for number in range(2000):
        data = b"%d" % number * (1 + number % 90)
        try:
            ada.send("bob", data)
        except FullError:
            office.run()
            ada.send("bob", data)
        sent.append(data)
    office.run()
    assert bob.said == sent
    (out,), (into,) = ada.sent_on, bob.received_on
    assert (out[1], out[2], out[4]) == (2000, sum(map(len, sent)), 0)
    assert (into[1], into[2], sum(into[3])) == (2000, 0, 2000)


@pytest.mark.parametrize("priority", PRIORITIES)
def test_a_message_says_who_sent_it_how_and_when(office: Office, ada: Plugin, bob: Plugin, priority: str) -> None:
    office.clock.advance(3.0)
    number = ada.send("bob", b"hello", type_=CUSTOM, priority=priority, seconds=2.0)
    office.run()
    (found,) = bob.heard
    assert (found.id, found.sender, found.receiver) == (number, "ada", "bob")
    assert (found.type, found.priority, found.data, found.topic) == (CUSTOM, priority, b"hello", "")
    assert (found.timestamp, found.deadline) == (office.clock.time(), office.clock.time() + 2.0)
    assert not found.wants_answer


@pytest.mark.parametrize("data", [bytearray(b"ab"), memoryview(b"xaby")[1:3], memoryview(b"ab\0\0").cast("i")[:1]])
def test_whatever_has_a_buffer_is_sent_as_its_bytes(office: Office, ada: Plugin, bob: Plugin, data: Any) -> None:
    ada.send("bob", data)
    office.run()
    ada.send("bob", data)
    office.run()
    assert bob.said == [bytes(data)] * 2


@pytest.mark.parametrize("data", ["text", 5, None])
def test_what_has_no_buffer_is_refused_before_there_is_a_link_and_after(
    office: Office, ada: Plugin, bob: Plugin, data: Any
) -> None:
    for _ in range(2):
        with pytest.raises(TypeError):
            ada.send("bob", data)
        ada.send("bob", b"")
        office.run()
    assert bob.said == [b"", b""]


@pytest.mark.parametrize("type_", [-1, 0, 1, 2, 8])
def test_the_supervisors_types_are_not_sent(office: Office, ada: Plugin, type_: int) -> None:
    with pytest.raises(ValueError, match="are the supervisor's, or nobody's"):
        ada.send("bob", b"", type_=type_)
    with pytest.raises(ValueError, match="are the supervisor's"):
        ada.publish("x", type_=type_)
    with pytest.raises(ValueError, match="are the supervisor's"):
        ada.mail.broadcast("custom", b"", None, type_=type_, priority="normal")
    assert office.asked == []


@pytest.mark.parametrize("type_", [0, 1, 2, 8, 255])
def test_the_supervisors_types_are_dropped_when_they_come(office: Office, bob: Plugin, type_: int) -> None:
    with office.hostile(bob) as producer:
        producer.push(type_, packed(Kind.MESSAGE))
        producer.push(3, packed(Kind.MESSAGE) + b"good")
        office.run()
        assert bob.said == [b"good"]
        assert bob.received_on[0][1:3] == [1, 1]


def test_an_unknown_priority_or_policy_is_refused(ada: Plugin) -> None:
    with pytest.raises(ValueError, match="there is no priority 'soon'"):
        ada.send("bob", b"", priority="soon")
    for how in ({"priority": "soon"}, {"full": "later"}):
        with pytest.raises(ValueError, match="cannot link with bob"):
            ada.link("bob", **how)


def test_late_messages_are_dropped_and_counted(office: Office, ada: Plugin, bob: Plugin) -> None:
    ada.send("bob", b"soon", seconds=1.0)
    ada.send("bob", b"whenever")
    office.settle()
    office.clock.advance(1.001)
    office.run()
    assert bob.said == [b"whenever"]
    assert bob.received_on[0][1:3] == [1, 1]


def test_a_link_that_is_full_says_so_and_counts_it(office: Office, ada: Plugin, bob: Plugin) -> None:
    ada.link("bob", slots=32)
    office.run()
    for _ in range(32):
        ada.send("bob", b"x")
    with pytest.raises(FullError, match="the normal link is full"):
        ada.request("bob")
    assert ada.sent_on[0][3:5] == [1, 32]
    office.run()
    assert len(bob.said) == 32


def test_a_link_that_drops_the_oldest_fails_the_request_it_dropped(office: Office, ada: Plugin, bob: Plugin) -> None:
    bob.answers(lambda message: message.data)
    ada.link("bob", slots=32, full="drop-oldest")
    office.settle()
    answers = [ada.request("bob", b"%d" % number) for number in range(32 + KEPT + 2)]
    office.run()
    failed = [number for number, found in enumerate(answers) if found != [(b"%d" % number, "")]]
    assert failed == [32, 33]
    assert answers[32] == [(None, "cannot send to bob: newer messages took its place")]
    assert ada.sent_on[0][3] == 2


def test_a_link_that_blocks_waits_no_longer_than_a_call_may_take(office: Office, ada: Plugin) -> None:
    office.plugin("bob")
    ada.link("bob", slots=32, full="block")
    office.settle()
    ada.mail.exchange.out("bob", "normal", full="block")._patience = 0.001
    for _ in range(32):
        ada.send("bob", b"x")
    with pytest.raises(FullError):
        ada.send("bob", b"x")
    assert ada.sent_on[0][3] == 1


# --- links that are waited for, and refused --------------------------------------------------------------------------


def test_what_waits_for_a_link_fails_when_it_is_refused_and_the_refusal_is_remembered(
    office: Office, ada: Plugin, bob: Plugin
) -> None:
    office.refused["ada", "bob"] = "cannot link ada with bob: bob was not granted ipc with ada"
    found = ada.request("bob")
    ada.send("bob", b"plain")
    office.run()
    ((answer, reason),) = found
    assert answer is None
    assert "not granted ipc" in reason
    assert ada.notes == [f"2 messages were not sent to bob: {office.refused['ada', 'bob']}"]
    with pytest.raises(LinkError, match="not granted ipc"):
        ada.send("bob", b"")
    assert office.asked == []
    del office.refused["ada", "bob"]
    office.clock.advance(1.0)
    ada.send("bob", b"now")
    office.run()
    assert bob.said == [b"now"]


# --- large messages --------------------------------------------------------------------------------------------------


def test_a_large_message_is_lent_and_one_that_does_not_fit_is_refused(office: Office, ada: Plugin, bob: Plugin) -> None:
    ada.send("bob", BIG)
    office.run()
    ada.send("bob", BIG)
    with pytest.raises(LinkError, match=f"{ARENA} bytes do not fit the link's arena of {ARENA}"):
        ada.send("bob", bytes(ARENA))
    office.run()
    assert bob.said == [BIG, BIG]
    assert isinstance(bob.heard[0].data, memoryview)
    assert bob.heard[0].data.readonly


def test_one_that_waited_and_does_not_fit_fails_alone(office: Office, ada: Plugin, bob: Plugin) -> None:
    bob.answers(lambda message: b"yes")
    answers = [ada.request("bob", data) for data in (b"1", bytes(ARENA), b"3")]
    office.run()
    assert [found[0][0] for found in answers] == [b"yes", None, b"yes"]
    assert answers[1][0][1].startswith("too-large for an arena of 16384 bytes")
    assert len(office.links) == 2


def test_what_is_kept_of_a_lent_message_stays_and_its_room_comes_back_when_it_is_let_go(
    office: Office, ada: Plugin, bob: Plugin
) -> None:
    ada.link("bob", arena=4096)
    office.run()
    ada.send("bob", BIG)
    office.run()
    with pytest.raises(FullError):
        ada.send("bob", BIG)
    assert bob.said == [BIG]
    bob.heard.clear()
    ada.send("bob", BIG[::-1])
    office.run()
    assert bob.said == [BIG[::-1]]


@pytest.mark.parametrize("end", ["kill", "stop", "part"])
def test_what_is_kept_of_a_lent_message_outlives_its_link(office: Office, ada: Plugin, bob: Plugin, end: str) -> None:
    ada.send("bob", BIG)
    office.run()
    if end == "kill":
        office.kill(ada)
    elif end == "stop":
        bob.mail.stop()
    else:
        office.part(office.links[0], "broken")
    office.run()
    assert bob.said == [BIG]
    assert (bob.received_on, bob.raised) == ([], [])


# --- broadcast and receive -------------------------------------------------------------------------------------------


def test_a_broadcast_goes_to_all_of_a_type_that_may_be_reached(office: Office, ada: Plugin, bob: Plugin) -> None:
    eve = office.plugin("eve")
    office.types["custom"] = ["bob", "eve"]
    names: list[Any] = []
    ada.mail.broadcast("custom", bytearray(b"all"), lambda *told: names.append(told), type_=CUSTOM, priority="bulk")
    ada.mail.broadcast("other", b"", lambda *told: names.append(told), type_=CUSTOM, priority="bulk")
    ada.mail.broadcast("other", b"", None, type_=CUSTOM, priority="bulk")
    office.run()
    assert (bob.said, eve.said) == ([b"all"], [b"all"])
    assert names == [(["bob", "eve"], ""), (None, "cannot ask for other: no such type")]


def test_who_cannot_be_sent_a_broadcast_is_not_named(office: Office, ada: Plugin, bob: Plugin) -> None:
    office.types["custom"] = ["bob", "eve"]
    ada.send("eve", b"")
    office.run()
    names: list[Any] = []
    ada.mail.broadcast("custom", b"all", lambda *told: names.append(told), type_=CUSTOM, priority="normal")
    office.run()
    assert names == [(["bob"], "")]
    assert "cannot link ada with eve: it does not run" in ada.notes


def test_messages_that_no_hook_takes_are_received_one_by_one(office: Office, ada: Plugin, bob: Plugin) -> None:
    bob.mail.on_message = None
    bob.mail.pump = office.clock.advance
    for data in (b"1", b"2"):
        ada.send("bob", data)
    office.run()
    found = [bob.mail.receive(1.0), bob.mail.receive(1.0)]
    assert [one.data for one in found if one is not None] == [b"1", b"2"]
    before = office.clock.monotonic()
    assert bob.mail.receive(2.5) is None
    assert office.clock.monotonic() - before == 2.5


def test_what_is_received_while_a_hook_would_take_it_is_received_and_the_rest_goes_to_the_hook(
    office: Office, ada: Plugin, bob: Plugin
) -> None:
    ada.link("bob")
    office.settle()
    for data in (b"1", b"2", b"3"):
        ada.send("bob", data)
    found = bob.mail.receive(1.0)
    assert found is not None
    assert (found.data, bob.said) == (b"1", [])
    assert bob.mail.wait() == 0.0
    office.run()
    assert bob.said == [b"2", b"3"]
    assert bob.mail.wait() == 0.1


def test_while_one_waits_for_a_message_the_time_of_requests_passes(office: Office, ada: Plugin, bob: Plugin) -> None:
    ada.mail.on_message = None
    found = ada.request("bob", seconds=1.0)
    office.run()
    ada.mail.pump = lambda _seconds: office.clock.advance(ada.mail.wait() or 0.5)
    assert ada.mail.receive(3.0) is None
    assert found == [(None, "request-timeout: no answer came in time")]


def test_what_nobody_receives_is_kept_up_to_a_limit_and_then_counted(office: Office, ada: Plugin, bob: Plugin) -> None:
    bob.mail.on_message = None
    for _ in range(INBOX_MAX + 3):
        ada.send("bob", b"x")
        office.run()
    assert len(bob.mail._inbox) == INBOX_MAX
    assert bob.received_on[0][2] == 3
