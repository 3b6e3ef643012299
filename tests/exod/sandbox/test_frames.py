"""Frames of keeper and zygote: exactly one, or none."""

import os
import random
import socket

import pytest

from exod.sandbox import frames
from exod.sandbox.frames import Frame, Op


def test_a_frame_survives_the_wire() -> None:
    frame = Frame(Op.BIND, id=1 << 40, pid=4711, ref=3, nonce=b"n" * 16, aux=1 << 60)
    assert frames.decode(frame.encode()) == frame
    assert len(frame.encode()) == 64


@pytest.mark.parametrize("data", [b"", b"x", bytes(63), bytes(64), bytes(65), Frame(Op.TAKE).encode()[:-1] + b"\1"])
def test_what_is_not_exactly_a_frame_is_none(data: bytes) -> None:
    assert frames.decode(data) is None


def test_random_bytes_are_no_frame() -> None:
    rng = random.Random(7)
    assert all(frames.decode(rng.randbytes(rng.randrange(70))) is None for _ in range(1000))


def test_a_request_is_80_bytes_and_a_reply_is_read_back() -> None:
    assert len(frames.request(frames.FORK, id_=1, uid=2, fds=6, nonce=bytes(16))) == 80
    assert frames.reply(b"\x54\x4f\x47\x5a" + bytes(20)) == (0, 0, 0)
    assert frames.reply(bytes(24)) is frames.reply(b"") is None


def test_only_a_failure_report_is_taken_for_one() -> None:
    report = b"FAIL" + (7).to_bytes(4, "little") + (13).to_bytes(4, "little") + bytes(4)
    assert frames.failure(report) == (7, 13)
    assert frames.failure(b"FAIL") is frames.failure(bytes(16)) is None


def test_every_descriptor_of_a_message_is_received() -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        frames.send(ours, b"four", [0, 1, 2, 0])
        received = frames.receive(theirs, 64)
    assert received is not None
    data, fds = received
    assert data == b"four"
    assert len(fds) == 4
    for fd in fds:
        assert not os.get_inheritable(fd)
        os.close(fd)


def test_a_message_that_is_too_long_is_seen_to_be() -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        ours.send(bytes(100))
        received = frames.receive(theirs, 64)
    assert received is not None
    assert len(received[0]) == 65


def test_silence_is_told_apart_from_an_end() -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        assert frames.receive(theirs, 64) is None
        ours.close()
        assert frames.receive(theirs, 64) == (b"", [])
    assert frames.receive(theirs, 64) == (b"", [])
