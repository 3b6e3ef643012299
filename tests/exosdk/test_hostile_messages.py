"""A peer that writes what it likes into a ring: it ends that link, and nothing else."""

from contextlib import suppress

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from exosdk import ring
from exosdk.links import LinkError
from exosdk.message import Envelope, Kind
from tests.exosdk import post_office
from tests.exosdk.post_office import Office

ENVELOPE = Envelope(1, Kind.MESSAGE, 0).pack()


def test_a_ring_that_is_broken_ends_that_link_only_and_is_told(office: Office) -> None:
    ada, bob, eve = office.plugin("ada"), office.plugin("bob"), office.plugin("eve")
    for one in (ada, eve):
        one.send("bob", b"before")
    office.run()
    link = office.between(eve, bob)
    link.front[ring.PAGE + ring.SLOT : ring.PAGE + ring.SLOT + 8] = (2 | 9999 << 16).to_bytes(8, "little", signed=False)
    office.run()
    assert ("broken", str(link.id)) in bob.told
    ada.send("bob", b"after")
    office.run()
    assert bob.said == [b"before", b"before", b"after"]


def test_a_receiver_that_breaks_the_ring_is_an_error_of_the_message_and_told(office: Office) -> None:
    ada, bob = office.plugin("ada"), office.plugin("bob")
    ada.link("bob", slots=32)
    office.run()
    (link,) = office.links
    link.back[0:8] = (1 << 40).to_bytes(8, "little")
    found = ada.request("bob")
    for _ in range(31):
        ada.send("bob", b"x")
    with pytest.raises(LinkError, match="cannot send to bob: broken"):
        ada.send("bob", b"x")
    assert ("broken", str(link.id)) in ada.told
    office.run()
    assert found == [(None, "broken: bob is gone")]
    ada.send("bob", b"again")
    office.run()
    assert b"again" in bob.said


def test_a_ring_that_breaks_while_something_waits_for_room_is_given_up(office: Office) -> None:
    ada = office.plugin("ada")
    office.plugin("bob").mail.exchange.running = False
    ada.link("bob", slots=32, full="drop-oldest")
    office.settle()
    for _ in range(40):
        ada.send("bob", b"x")
    (link,) = office.links
    link.back[0:8] = (1 << 40).to_bytes(8, "little")
    ada.mail.turn()
    assert ("broken", str(link.id)) in ada.told
    assert ada.notes == ["8 messages were not sent to bob: broken"]


MESSAGES = st.lists(
    st.tuples(
        st.integers(0, 255),
        st.one_of(
            st.binary(max_size=ring.MESSAGE_MAX),
            st.builds(
                lambda sent, patience, kind, length, rest: (
                    Envelope(1, 0, sent, answers=1, patience=patience).pack()[:-2] + bytes([kind, length]) + rest
                ),
                st.sampled_from([0, 1, 1 << 63, (1 << 64) - 1]),
                st.sampled_from([0, 1, (1 << 32) - 1]),
                st.integers(0, 8),
                st.integers(0, 255),
                st.binary(max_size=300),
            ),
        ),
        st.booleans(),
    ),
    max_size=8,
)


@settings(max_examples=150, deadline=None, derandomize=True, database=None)
@given(messages=MESSAGES)
@example(messages=[(3, ENVELOPE, False), (3, ENVELOPE, True), (3, b"", False), (255, ENVELOPE, False)])
def test_no_bytes_of_a_peer_raise_out_of_a_turn(messages: list[tuple[int, bytes, bool]]) -> None:
    with post_office.office() as office:
        bob, ada = office.plugin("bob"), office.plugin("ada")
        topics = bob.subscribe("*")
        office.settle()
        with office.hostile(bob) as producer:
            for type_, data, lent in messages:
                _push(producer, type_, data, lent=lent)
            office.run()
            (row,) = bob.received_on
        assert row[1] + row[2] >= len(messages) - len(topics)
        assert all(one.type >= 3 and one.sender == "mallory" for one in [*bob.heard, *topics])
        ada.send("bob", b"still there")
        office.run()
        assert bob.said[-1] == b"still there"
        bob.heard.clear()
        topics.clear()


def _push(producer: ring.Producer, type_: int, data: bytes, *, lent: bool) -> None:
    if not lent or not data:
        producer.push(type_, data)
        return
    loan = producer.loan(len(data))
    assert loan is not None
    with memoryview(loan) as chunk:
        chunk[:] = data
    producer.push_loan(type_, loan)


@settings(max_examples=100, deadline=None, derandomize=True, database=None)
@given(
    headers=st.lists(st.tuples(st.integers(0, 7), st.integers(0, 2**64 - 1)), max_size=6),
    tail=st.integers(0, 2**64 - 1),
)
def test_no_memory_of_a_peer_raises_out_of_a_turn_or_a_wait(headers: list[tuple[int, int]], tail: int) -> None:
    with post_office.office() as office:
        ada, bob = office.plugin("ada"), office.plugin("bob")
        ada.link("bob")
        office.settle()
        (link,) = office.links
        link.front[0:8] = tail.to_bytes(8, "little")
        for position, header in headers:
            at = ring.PAGE + position * ring.SLOT
            link.front[at : at + 8] = header.to_bytes(8, "little")
        for _ in range(3):
            bob.mail.wait()
            bob.mail.exchange.awake()
            bob.mail.turn()
        assert bob.raised == []


@settings(max_examples=100, deadline=None, derandomize=True, database=None)
@given(
    head=st.integers(0, 2**64 - 1) | st.integers(0, 300),
    returns=st.lists(st.tuples(st.integers(0, 7), st.integers(0, 2**64 - 1) | st.integers(0, 99)), max_size=4),
)
def test_no_memory_of_a_receiver_raises_more_than_that_nothing_was_sent(
    head: int, returns: list[tuple[int, int]]
) -> None:
    with post_office.office() as office:
        ada, bob = office.plugin("ada"), office.plugin("bob")
        ada.link("bob", slots=32, arena=4096, full="drop-oldest")
        office.settle()
        (link,) = office.links
        link.back[0:8] = head.to_bytes(8, "little")
        for chunk, word in returns:
            at = ring.PAGE + chunk * 8
            link.back[at : at + 8] = word.to_bytes(8, "little")
        for data in (b"small", bytes(2000)) * 40:
            with suppress(LinkError):
                ada.send("bob", data)
        ada.mail.turn()
        ada.mail.exchange.counts()
        office.kill(bob)
        assert (ada.sent_on, ada.raised) == ([], [])
