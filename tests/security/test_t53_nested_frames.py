"""T53: nested, huge or mistyped channel and state data: no crash of a C decoder in any thread."""

import threading

import msgspec
import pytest

from exosdk import wire
from exosdk.nesting import MAX_DEPTH

OPENINGS = {
    "array": b"\x91",
    "array16": b"\xdc\x00\x01",
    "map": b"\x81\xa0",
    "map32": b"\xdf\x00\x00\x00\x01\xa0",
    "key": b"\x81",
}


def in_a_small_stack(data: bytes) -> list[str]:
    """The verdicts of both decoders, in a thread whose stack a recursive decoder would overrun."""
    verdicts: list[str] = []

    def decode() -> None:
        for decoder in (wire.decode_up, wire.decode_down):
            try:
                decoder(data)
                verdicts.append("accepted")
            except wire.MalformedError as error:
                verdicts.append(str(error))

    before = threading.stack_size(64 << 10)
    try:
        thread = threading.Thread(target=decode)
        thread.start()
        thread.join()
    finally:
        threading.stack_size(before)
    return verdicts


@pytest.mark.parametrize("name", OPENINGS)
def test_a_nested_message_never_reaches_the_decoder(name: str) -> None:
    data = (OPENINGS[name] * wire.MAX_FRAME)[: wire.MAX_FRAME - 1] + b"\xc0"
    assert all("nested" in verdict for verdict in in_a_small_stack(data))


def test_nesting_inside_a_payload_counts_too() -> None:
    data = b"\x93\xa5reply\x01" + b"\x91" * MAX_DEPTH + b"\xc0"
    assert all("nested" in verdict for verdict in in_a_small_stack(data))


def test_the_deepest_payload_that_is_allowed_is_decoded() -> None:
    frame = wire.decode_up(b"\x93\xa5reply\x01" + b"\x91" * (MAX_DEPTH - 1) + b"\xc0")
    assert isinstance(frame, wire.Reply)
    value = wire.unpack(frame.value)
    for _ in range(MAX_DEPTH - 1):
        (value,) = value
    assert value is None


@pytest.mark.parametrize(
    "frame",
    [
        ["reply", -1, None, None],
        ["hello", 1, "text", 1, 1, {}],
        ["hello", 1, b"x", 1, 1, {"a": 1}],
        ["fault", 1, 2, 3],
        ["emit", "s", None, []],
        ["ready", 1, "start", []],
    ],
    ids=str,
)
def test_a_mistyped_frame_is_refused(frame: list[object]) -> None:
    with pytest.raises(wire.MalformedError, match="not a frame"):
        wire.decode_up(msgspec.msgpack.encode(frame))
