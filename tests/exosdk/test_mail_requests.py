"""What a plugin asks another: each request has one answer, or a reason for none."""

from collections.abc import Callable
from typing import Any

import pytest

from exosdk.links import LinkError
from exosdk.mail import REQUESTS_MAX
from exosdk.message import DATA_RESPONSE, Envelope, Kind, Message
from tests.exosdk.post_office import ARENA, Office, Plugin

BIG = bytes(range(256)) * 8


def packed(
    kind: Kind, *, number: int = 1, answers: int = 0, topic: str = "", sent: int = 0, patience: int = 0
) -> bytes:
    return Envelope(number, kind, sent, answers=answers, patience=patience, topic=topic).pack()


# --- requests --------------------------------------------------------------------------------------------------------


def test_a_request_has_the_answer_that_the_hook_returns(office: Office, ada: Plugin, bob: Plugin) -> None:
    bob.answers(lambda message: b"heard " + bytes(message.data))
    small, large = ada.request("bob", b"it"), ada.request("bob", BIG, priority="urgent")
    office.run()
    assert (small, large) == ([(b"heard it", "")], [(b"heard " + BIG, "")])


def test_a_request_may_be_answered_later_and_once(office: Office, ada: Plugin, bob: Plugin) -> None:
    found = ada.request("bob")
    office.run()
    (message,) = bob.heard
    assert found == []
    message.reply(b"now")
    with pytest.raises(ValueError, match="answered already"):
        message.reply(b"again")
    office.run()
    assert found == [(b"now", "")]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (lambda message: 1 / 0, "ZeroDivisionError: division by zero"),
        (lambda message: "text", "TypeError: memoryview: a bytes-like object is required, not 'str'"),
    ],
)
def test_a_hook_that_fails_is_the_fault_that_the_asker_gets(
    office: Office, ada: Plugin, bob: Plugin, answer: Callable[[Message], Any], reason: str
) -> None:
    bob.answers(answer)
    found = ada.request("bob")
    office.run()
    assert found == [(None, reason)]
    assert len(bob.raised) == 1


def test_an_answer_that_does_not_fit_is_a_fault_as_well(office: Office, ada: Plugin, bob: Plugin) -> None:
    bob.link("ada")
    bob.answers(lambda message: bytes(ARENA))
    found = ada.request("bob")
    office.run()
    assert found == [(None, f"cannot send to ada: {ARENA} bytes do not fit the link's arena of {ARENA}")]


def test_a_request_without_an_answer_times_out_and_a_late_answer_is_dropped(
    office: Office, ada: Plugin, bob: Plugin
) -> None:
    found = ada.request("bob", seconds=2.0)
    office.run()
    office.clock.advance(1.9)
    assert ada.mail.wait() == pytest.approx(0.1)
    ada.mail.turn()
    assert found == []
    office.clock.advance(0.1)
    assert ada.mail.wait() == 0.0
    ada.mail.turn()
    assert found == [(None, "request-timeout: no answer came in time")]
    bob.heard[0].reply(b"late")
    office.run()
    assert len(found) == 1
    assert ada.received_on[0][2] == 1


def test_a_request_has_the_patience_of_a_call_if_none_is_said(office: Office, ada: Plugin, bob: Plugin) -> None:
    found = ada.request("bob")
    office.run()
    office.clock.advance(5.0)
    ada.mail.turn()
    assert found[0][1].startswith("request-timeout")


def test_only_so_many_requests_are_open_at_once(office: Office, ada: Plugin) -> None:
    ada.mail._requests = dict.fromkeys(range(REQUESTS_MAX))  # type: ignore[assignment]
    with pytest.raises(LinkError, match="4096 requests are open already"):
        ada.request("bob")
    ada.mail._requests = {}


def test_deadlines_of_what_was_answered_are_forgotten(office: Office, ada: Plugin, bob: Plugin) -> None:
    bob.answers(lambda message: b"")
    for _ in range(200):
        ada.request("bob")
        office.run()
    assert len(ada.mail._deadlines) <= 65


def test_an_answer_from_another_than_who_was_asked_is_ignored(office: Office, ada: Plugin, bob: Plugin) -> None:
    found = ada.request("bob")
    office.run()
    number = bob.heard[0].id
    with office.hostile(ada) as producer:
        for kind in (Kind.REPLY, Kind.FAULT):
            producer.push(DATA_RESPONSE, packed(kind, answers=number) + b"forged")
        office.run()
        assert found == []
        assert ada.received_on[0][2] == 2
        bob.heard[0].reply(b"true")
        office.run()
    assert found == [(b"true", "")]


def test_an_answer_of_another_instance_of_the_same_name_is_ignored(office: Office, ada: Plugin, bob: Plugin) -> None:
    found = ada.request("bob")
    office.run()
    with office.hostile(ada, "bob") as producer:
        producer.push(DATA_RESPONSE, packed(Kind.REPLY, answers=bob.heard[0].id) + b"forged")
        office.run()
    assert found == []


# --- a peer that is gone ---------------------------------------------------------------------------------------------


def test_exactly_what_a_dead_peer_left_unanswered_fails_and_its_last_answers_are_given(
    office: Office, ada: Plugin, bob: Plugin
) -> None:
    bob.answers(lambda message: b"yes" if message.data == b"easy" else None)
    warm = ada.request("bob", b"easy")
    office.run()
    easy, hard = ada.request("bob", b"easy"), ada.request("bob", b"hard")
    bob.mail.turn()
    unseen = ada.request("bob", b"easy")
    office.kill(bob)
    assert (easy, hard, unseen) == ([], [], [])
    office.run()
    assert (warm, easy) == ([(b"yes", "")], [(b"yes", "")])
    assert hard == unseen == [(None, "instance-lost: bob is gone")]
    assert ada.lost == [("bob", 1)]


def test_what_a_dead_peer_was_never_sent_fails_at_once(office: Office, ada: Plugin) -> None:
    bob = office.plugin("bob")
    bob.mail.exchange.running = False
    ada.link("bob", slots=32, full="drop-oldest")
    office.settle()
    answers = [ada.request("bob") for _ in range(34)]
    office.kill(bob)
    assert answers[33] == [(None, "instance-lost: bob was never sent it")]
    office.run()
    assert answers[0] == [(None, "instance-lost: bob is gone")]
    assert ada.lost == [("bob", 32)]


def test_a_peer_that_was_restarted_keeps_the_requests_that_are_for_it(office: Office, ada: Plugin, bob: Plugin) -> None:
    bob.answers(lambda message: b"old")
    ada.request("bob")
    office.run()
    bob.answers(lambda message: None)
    lost = ada.request("bob", b"for the old one")
    bob.mail.turn()
    bob.send("ada", b"last words")
    ada.mail.exchange.running = False
    office.kill(bob)
    again = office.plugin("bob")
    again.answers(lambda message: b"new")
    kept = ada.request("bob", b"for the new one")
    office.settle()
    ada.mail.exchange.running = True
    office.run()
    assert lost == [(None, "instance-lost: bob is gone")]
    assert kept == [(b"new", "")]
    assert b"last words" in ada.said


def test_an_answer_to_an_instance_that_is_gone_is_not_given_to_the_next(
    office: Office, ada: Plugin, bob: Plugin
) -> None:
    ada.request("bob", b"of the first")
    office.run()
    (message,) = bob.heard
    office.kill(ada)
    again = office.plugin("ada")
    found = again.request("bob", b"of the second")
    message.reply(b"to the first")
    office.run()
    assert bob.heard[1].id == message.id
    assert found == []
    bob.heard[1].reply(b"to the second")
    office.run()
    assert found == [(b"to the second", "")]


def test_an_answer_that_waits_for_a_link_is_for_who_asked_only(office: Office, ada: Plugin, bob: Plugin) -> None:
    ada.request("bob", b"of the first")
    office.run()
    (message,) = bob.heard
    message.reply(b"to the first")
    office.plugins.remove(ada)
    office._gone.append(ada)
    again = office.plugin("ada")
    found = again.request("bob", b"of the second")
    office.run()
    assert found == []
    assert bob.sent_on[0][3] == 1


def test_a_peer_that_stopped_was_not_lost(office: Office, ada: Plugin, bob: Plugin) -> None:
    ada.send("bob", b"x")
    office.run()
    bob.mail.stop()
    assert ada.lost == []
    assert (ada.sent_on, ada.received_on) == ([], [])


def test_what_was_asked_over_a_link_that_was_parted_since_is_answered_all_the_same(
    office: Office, ada: Plugin, bob: Plugin
) -> None:
    bob.send("ada", b"so that ada hears bob")
    found, unread = ada.request("bob"), ada.request("bob")
    office.settle()
    bob.mail.turn()
    office.part(office.between(ada, bob), "broken")
    office.run()
    for message in bob.heard:
        message.reply(b"yes")
    office.run()
    assert found == unread == [(b"yes", "")]
