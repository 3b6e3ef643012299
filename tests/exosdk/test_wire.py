"""Frames there and back, and everything that is no frame."""

from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exosdk import wire
from exosdk.wire import MalformedError

SERVICE = wire.Service(
    "s", "a.b", (wire.Method("M", "s", ""),), (wire.Signal("G", ""),), (wire.Property("P", "u", "read"),)
)
UP = [
    wire.Hello(1, b"n" * 16, 1, 1, {"Seccomp": "2"}),
    wire.Ready(1, ("start",), ("s",)),
    wire.Failed("entry-raised", "why"),
    wire.Reply(1, wire.pack([1, "x", {"a": None}])),
    wire.Fault(1, "KeyError", "x"),
    wire.Pong(1),
    wire.Passed(2, "running"),
    wire.Emit("s", "G", wire.pack([])),
    wire.Changed("s", wire.pack({"P": 1})),
    wire.Want(1, "link", "bob", wire.pack({"priority": "urgent"})),
]
DOWN = [
    wire.Go(1, "p", "1.0", "custom", "m:C", {"a": 1, "b": "x", "c": True, "d": 0.5}, {"ipc": ("x",)}, (SERVICE,), 5.0),
    wire.Call(1, "method", "s", "M", wire.pack(["x"]), ":1.1", 0, 5.0),
    wire.Ping(1),
    wire.Epoch(2),
    wire.Bye(),
    wire.Given(1, wire.pack(["x"]), ""),
    wire.Lay((1 << 62) + 1, "bob", 7, True, "urgent", 4096, 1 << 20, ("s.M",)),
    wire.Join((1 << 62) + 1),
    wire.Part(5, "instance-lost"),
    wire.Route("bob", ("p/*", "#5")),
    wire.House(),
]


def name(frame: object) -> str:
    return type(frame).__name__


def plain(frame: Any) -> Any:
    """Raw compares by identity of its buffer; its bytes say what it holds."""
    return [bytes(value) if isinstance(value, msgspec.Raw) else value for value in msgspec.structs.astuple(frame)]


def test_every_frame_is_among_them() -> None:
    assert {type(frame) for frame in UP} == set(get_args(wire.Up))
    assert {type(frame) for frame in DOWN} == set(get_args(wire.Down))


@pytest.mark.parametrize("frame", UP, ids=name)
def test_what_an_instance_says_arrives_as_it_was_said(frame: wire.Up) -> None:
    arrived = wire.decode_up(wire.encode(frame))
    assert (type(arrived), plain(arrived)) == (type(frame), plain(frame))


@pytest.mark.parametrize("frame", DOWN, ids=name)
def test_what_the_supervisor_says_arrives_as_it_was_said(frame: wire.Down) -> None:
    arrived = wire.decode_down(wire.encode(frame))
    assert (type(arrived), plain(arrived)) == (type(frame), plain(frame))


@pytest.mark.parametrize("frame", DOWN, ids=name)
def test_an_instance_cannot_say_what_only_the_supervisor_says(frame: wire.Down) -> None:
    with pytest.raises(MalformedError):
        wire.decode_up(wire.encode(frame))


@pytest.mark.parametrize("frame", UP, ids=name)
def test_the_supervisor_cannot_say_what_only_an_instance_says(frame: wire.Up) -> None:
    with pytest.raises(MalformedError):
        wire.decode_down(wire.encode(frame))


def test_a_frame_over_the_cap_is_neither_sent_nor_read() -> None:
    frame = wire.Reply(1, wire.pack("x" * wire.MAX_FRAME))
    with pytest.raises(MalformedError, match="more than"):
        wire.encode(frame)
    with pytest.raises(MalformedError, match="longer than"):
        wire.decode_up(msgspec.msgpack.encode(frame))


@pytest.mark.parametrize(
    "value",
    [
        ["reply"],
        ["reply", "1", 2],
        ["reply", 1, 2, 3],
        ["nothing", 1],
        [],
        {},
        "reply",
        ["pong", -(2**63) - 0.5],
        ["pong", None],
    ],
    ids=str,
)
def test_a_frame_of_the_wrong_shape_is_refused(value: object) -> None:
    with pytest.raises(MalformedError):
        wire.decode_up(msgspec.msgpack.encode(value))


@pytest.mark.parametrize(
    "value", [object(), 1 << 70, "\ud800", {1j: 2}, ValueError()], ids=lambda value: type(value).__name__
)
def test_a_value_that_no_message_can_hold_is_refused_where_it_is_packed(value: object) -> None:
    with pytest.raises(MalformedError):
        wire.pack(value)


def test_a_value_that_holds_itself_is_refused() -> None:
    value: list[object] = []
    value.append(value)
    with pytest.raises(MalformedError):
        wire.pack(value)


def test_a_moment_is_refused_because_it_would_be_an_extension() -> None:
    with pytest.raises(MalformedError, match="extension"):
        wire.encode(wire.Reply(1, msgspec.Raw(msgspec.msgpack.encode(msgspec.msgpack.Ext(1, b"x")))))


@pytest.mark.parametrize("payload", [b"\xa1\xff", b"\x81\x81\x00\x00\x00"])
def test_a_payload_that_does_not_decode_is_refused_when_it_is_wanted(payload: bytes) -> None:
    frame = wire.decode_up(b"\x93\xa5reply\x01" + payload)
    assert isinstance(frame, wire.Reply)
    with pytest.raises(MalformedError):
        wire.unpack(frame.value)


def test_both_ends_speak_this_protocol_and_the_one_before() -> None:
    assert wire.PROTOCOL - wire.OLDEST_PROTOCOL <= 1


@given(st.binary(max_size=300))
@settings(derandomize=True, max_examples=200, deadline=None)
def test_any_bytes_are_a_frame_or_refused(data: bytes) -> None:
    for decode in (wire.decode_up, wire.decode_down):
        try:
            decode(data)
        except MalformedError:
            continue


@given(st.sampled_from(UP), st.data())
@settings(derandomize=True, max_examples=200, deadline=None)
def test_a_frame_with_changed_bytes_is_a_frame_or_refused(frame: wire.Up, data: st.DataObject) -> None:
    message = bytearray(wire.encode(frame))
    for _ in range(data.draw(st.integers(1, 4))):
        message[data.draw(st.integers(0, len(message) - 1))] = data.draw(st.integers(0, 255))
    try:
        wire.decode_up(bytes(message))
    except MalformedError:
        return
