"""T18: the channel: oversized, cut, recursive or non-UTF-8 messages; descriptors; replies to calls never made."""

import os
import socket
from collections.abc import AsyncIterator

import pytest

from exod.supervisor import channel_end
from exod.supervisor.channel import STRIKES, Channel
from exosdk import wire
from tests.exosdk.conversation import ask, live, refused
from tests.exosdk.instances import Heard, Peer, until

GOOD = wire.encode(wire.Reply(1, wire.pack(["x"])))
HOSTILE = {
    "oversized": b"\xc6\x00\x01\x00\x00" + b"x" * (1 << 16),
    "truncated": GOOD[:-1],
    "trailing": GOOD + b"\xc0",
    "recursive": b"\x91" * 60_000 + b"\xc0",
    "promises": b"\xdd\xff\xff\xff\xff",
    "not utf-8": b"\x94\xa5fault\x01\xa2\xff\xfe\xa1x",
    "no frame": b"\xa5hello",
    "empty": b"",
}


class Case:
    """A live channel, the peer that broke loose, and what the supervisor heard."""

    def __init__(self) -> None:
        self.peer, self.heard = Peer(), Heard()
        self.channel = Channel(self.peer.end, self.heard)


@pytest.fixture
async def case() -> AsyncIterator[Case]:
    made = Case()
    await live(made.channel, made.peer)
    yield made
    made.channel.close()
    made.peer.close()


@pytest.mark.parametrize("name", HOSTILE)
async def test_a_hostile_message_ends_the_channel_and_the_caller_is_told(case: Case, name: str) -> None:
    waiting = ask(case.channel, "x")
    await until(lambda: case.channel._asked)
    case.peer.socket.send(HOSTILE[name])
    assert (await refused(waiting)).code == "instance-lost"
    assert name == "empty" or (len(case.heard.strikes) == 1 and len(case.heard.illnesses) == 1)


@pytest.mark.parametrize("count", [1, 100, 253])
async def test_descriptors_end_the_channel_and_none_remains(
    case: Case, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channel_end, "SO_PASSRIGHTS", 9999)
    await reopen(case)
    before = len(os.listdir("/proc/self/fd"))
    descriptors = [os.dup(0) for _ in range(count)]
    socket.send_fds(case.peer.socket, [GOOD], descriptors)
    for descriptor in descriptors:
        os.close(descriptor)
    await until(lambda: case.heard.illnesses)
    assert "descriptors that nobody asked for" in case.heard.strikes[0]
    await until(lambda: len(os.listdir("/proc/self/fd")) <= before)


async def reopen(case: Case) -> None:
    case.channel.close()
    case.peer.close()
    case.peer, case.heard = Peer(), Heard()
    case.channel = Channel(case.peer.end, case.heard)
    await live(case.channel, case.peer)


async def test_replies_to_calls_never_made_are_strikes_and_reach_no_caller(case: Case) -> None:
    waiting = ask(case.channel, "x")
    await until(lambda: case.channel._asked)
    assert case.channel._asked is not None
    right = case.channel._asked.id
    for number in range(right + 1, right + STRIKES):
        case.peer.say(wire.Reply(number, wire.pack(["forged"])))
    case.peer.say(wire.Reply(right, wire.pack(["true"])))
    assert await waiting == ["true"]
    assert len(case.heard.strikes) == STRIKES - 1
    case.peer.say(wire.Reply(right, wire.pack(["again"])))
    await until(lambda: case.heard.illnesses)
