"""What travels in a ring, and what a plugin makes of it."""

import struct
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exosdk.message import CUSTOM, DATA_REQUEST, HEAD, RESERVED, TYPES, Envelope, Kind, Message, lent_from, unpack
from exosdk.signature import MalformedError

FIELDS = ("number", "kind", "sent", "answers", "patience", "topic")


def message(envelope: Envelope, **more: Any) -> Message:
    how = {"sender": "ada", "receiver": "bob", "type": CUSTOM, "priority": "normal", "wall": 1000.0}
    return Message(envelope, b"data", **how | more)


def test_the_types_are_those_of_the_story_in_its_order() -> None:
    assert TYPES == (
        "init", "shutdown", "config-update", "data-request", "data-response", "event-notify", "ai-inference", "custom"
    )  # fmt: skip
    assert (DATA_REQUEST, CUSTOM, len(RESERVED)) == (3, 7, 3)


@settings(deadline=None, derandomize=True, database=None)
@given(
    number=st.integers(0, 2**32 - 1),
    kind=st.sampled_from(list(Kind)),
    sent=st.integers(0, 2**64 - 1),
    answers=st.integers(0, 2**32 - 1),
    patience=st.integers(0, 2**32 - 1),
    topic=st.text("abc/0-_", max_size=255),
    payload=st.binary(max_size=40),
)
def test_an_envelope_arrives_as_it_was_sent(payload: bytes, **fields: Any) -> None:
    envelope = Envelope(fields.pop("number"), fields.pop("kind"), fields.pop("sent"), **fields)
    data = envelope.pack() + payload
    found, start = unpack(data)
    assert [getattr(found, name) for name in FIELDS] == [getattr(envelope, name) for name in FIELDS]
    assert data[start:] == payload


@settings(deadline=None, derandomize=True, database=None)
@given(st.binary(max_size=300))
def test_what_is_no_envelope_is_malformed_and_nothing_else(data: bytes) -> None:
    try:
        envelope, start = unpack(memoryview(data))
    except MalformedError:
        return
    assert HEAD <= start <= len(data)
    assert envelope.topic.isascii()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "shorter than its envelope"),
        (bytes(HEAD - 1), "shorter than its envelope"),
        (struct.pack("<IIQIBB", 1, 0, 0, 0, Kind.TOPIC + 1, 0), "nobody sends"),
        (struct.pack("<IIQIBB", 1, 0, 0, 0, Kind.TOPIC, 5) + b"only", "nobody sends"),
        (struct.pack("<IIQIBB", 1, 0, 0, 0, Kind.TOPIC, 2) + "ä".encode(), "a topic that is none"),
    ],
)
def test_each_way_not_to_be_an_envelope_is_told_apart(data: bytes, reason: str) -> None:
    with pytest.raises(MalformedError, match=reason):
        unpack(data)


@pytest.mark.parametrize(("end", "start"), [(0, 0), (22, 64), (64, 64), (65, 128)])
def test_a_lent_payload_begins_at_a_line_of_cache(end: int, start: int) -> None:
    assert lent_from(end) == start


def test_a_plugin_is_told_who_when_and_until_when() -> None:
    found = message(Envelope(7, Kind.MESSAGE, 2_000_000_000, patience=500))
    assert (found.id, found.sender, found.receiver, found.type, found.priority) == (7, "ada", "bob", CUSTOM, "normal")
    assert (found.timestamp, found.deadline, found.size, found.topic) == (1002.0, 1002.5, 4, "")


def test_without_patience_there_is_no_deadline() -> None:
    envelope = Envelope(7, Kind.MESSAGE, 2_000_000_000)
    assert (envelope.late_at, message(envelope).deadline) == (0, None)


def test_a_topic_begins_with_who_published() -> None:
    assert message(Envelope(7, Kind.TOPIC, 0, topic="cpu/load")).topic == "ada/cpu/load"


def test_a_request_is_answered_once() -> None:
    given: list[Any] = []
    found = message(Envelope(7, Kind.REQUEST, 0), answer=given.append)
    assert found.wants_answer
    found.reply(b"yes")
    assert not found.wants_answer
    with pytest.raises(ValueError, match="was answered already"):
        found.reply(b"no")
    assert given == [b"yes"]


def test_what_nobody_asked_cannot_be_answered() -> None:
    with pytest.raises(ValueError, match="is no request"):
        message(Envelope(7, Kind.MESSAGE, 0)).reply(b"yes")
