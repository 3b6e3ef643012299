"""The socket under the channel: whole messages, fair turns, no descriptors, nothing closed on the loop."""

import asyncio
import contextlib
import fcntl
import os
import socket
from collections.abc import AsyncIterator

import pytest

from exod.supervisor import channel_end
from exod.supervisor.channel_end import End, ViolationError
from exosdk.wire import MAX_FRAME
from tests.exosdk.instances import pair, until


class Turns:
    """Reads all there is at each turn."""

    def __init__(self) -> None:
        self.end: End | None = None
        self.turns: list[list[bytes]] = []
        self.violations: list[str] = []

    def __call__(self) -> None:
        assert self.end is not None
        self.turns.append([])
        try:
            while (data := self.end.receive()) is not None:
                self.turns[-1].append(data)
                if not data:
                    self.end.rest()
        except ViolationError as error:
            self.violations.append(str(error))

    @property
    def messages(self) -> list[bytes]:
        return [data for turn in self.turns for data in turn]


@pytest.fixture
def old_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    """One without SO_PASSRIGHTS: descriptors do arrive."""
    monkeypatch.setattr(channel_end, "SO_PASSRIGHTS", 9999)


@pytest.fixture
async def peer() -> AsyncIterator[tuple[socket.socket, Turns, End]]:
    mine, theirs = pair()
    turns = Turns()
    turns.end = End(mine, turns)
    yield theirs, turns, turns.end
    turns.end.close()
    turns.end.close()
    theirs.close()


Peer = tuple[socket.socket, Turns, End]


async def test_messages_arrive_whole_and_in_order(peer: Peer) -> None:
    theirs, turns, _ = peer
    sent = [b"a", b"b" * 1000, b"c" * MAX_FRAME]
    for data in sent:
        theirs.send(data)
    await until(lambda: len(turns.messages) == 3)
    assert turns.messages == sent


async def test_a_turn_takes_no_more_than_its_share(peer: Peer) -> None:
    theirs, turns, _ = peer
    for _ in range(100):
        theirs.send(b"x")
    await until(lambda: len(turns.messages) == 100)
    assert max(map(len, turns.turns)) == 32
    for _ in range(3):
        theirs.send(b"x" * MAX_FRAME)
    await until(lambda: len(turns.messages) == 103)


async def test_a_message_that_is_too_long_is_a_violation(peer: Peer) -> None:
    theirs, turns, _ = peer
    theirs.send(b"x" * (MAX_FRAME + 1))
    await until(lambda: turns.violations)
    assert "more than 65536 bytes" in turns.violations[0]


async def test_the_end_of_the_peer_is_an_empty_message(peer: Peer) -> None:
    theirs, turns, _ = peer
    theirs.close()
    await until(lambda: turns.messages)
    assert turns.messages == [b""]


async def test_the_last_words_of_a_peer_that_left_mail_unread_are_heard(peer: Peer) -> None:
    theirs, turns, end = peer
    end.send(b"never read")
    theirs.send(b"last words")
    theirs.close()
    await until(lambda: len(turns.messages) == 2)
    assert turns.messages == [b"last words", b""]


async def test_sending_neither_blocks_nor_sets_flags_that_the_keeper_shares(peer: Peer) -> None:
    theirs, _, end = peer
    accepted = 0
    while end.send(b"x" * 32_768):
        accepted += 1
    assert not fcntl.fcntl(theirs.fileno(), fcntl.F_GETFL) & os.O_NONBLOCK
    assert not fcntl.fcntl(end._fd, fcntl.F_GETFL) & os.O_NONBLOCK
    assert 64 <= accepted <= 80
    for _ in range(accepted):
        while True:
            try:
                theirs.recv(MAX_FRAME, socket.MSG_DONTWAIT)
                break
            except BlockingIOError:
                await asyncio.sleep(0)
    await until(lambda: not end._waiting)


async def test_sending_to_nobody_is_told(peer: Peer) -> None:
    theirs, _, end = peer
    theirs.close()
    assert not end.send(b"x")
    end.close()
    assert not end.send(b"x")


async def test_resting_leaves_messages_with_the_peer(peer: Peer) -> None:
    theirs, turns, end = peer
    end.rest()
    end.rest()
    theirs.send(b"x")
    for _ in range(5):
        await asyncio.sleep(0)
    assert turns.messages == []
    end.read()
    end.read()
    await until(lambda: turns.messages)


def send_descriptors(end: socket.socket, count: int) -> None:
    descriptors = [os.open("/dev/null", os.O_RDONLY) for _ in range(count)]
    try:
        socket.send_fds(end, [b"x"], descriptors)
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def open_descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


@pytest.mark.parametrize("count", [1, 253])
async def test_descriptors_that_arrive_are_a_violation_and_closed(old_kernel: None, count: int) -> None:
    mine, theirs = pair()
    turns = Turns()
    turns.end = End(mine, turns)
    before = open_descriptors()
    send_descriptors(theirs, count)
    await until(lambda: turns.violations)
    assert turns.violations == [f"it sent {count} descriptors that nobody asked for"]
    await until(lambda: open_descriptors() <= before)
    turns.end.close()
    theirs.close()


async def test_where_the_kernel_can_refuse_descriptors_it_does(peer: Peer) -> None:
    theirs, turns, _ = peer
    try:
        send_descriptors(theirs, 1)
    except PermissionError:
        return
    await until(lambda: turns.violations)


async def test_descriptors_that_could_not_be_received_are_a_violation(old_kernel: None, peer: Peer) -> None:
    with pytest.raises(ViolationError, match="more descriptors"):
        peer[2]._judge([], socket.MSG_CTRUNC, size=1)


def test_only_descriptors_of_the_ancillary_data_count() -> None:
    assert channel_end._descriptors([(socket.SOL_SOCKET, socket.SCM_CREDENTIALS, b"\0" * 12)]) == []
    assert channel_end._descriptors([(socket.SOL_SOCKET, socket.SCM_RIGHTS, b"\1\0\0\0\2\0\0\0\3")]) == [1, 2]


async def test_a_descriptor_is_handed_over_with_its_message_and_stays_ours(peer: Peer) -> None:
    theirs, _, end = peer
    source, sink = os.pipe()
    assert end.hand_over(b"here", sink)
    data, [passed], _, _ = socket.recv_fds(theirs, 9, 2)
    os.write(passed, b"a")
    os.write(sink, b"b")
    assert (data, os.read(source, 9)) == (b"here", b"ab")
    for descriptor in (source, sink, passed):
        os.close(descriptor)


async def test_no_descriptor_waits_for_one_that_does_not_read(peer: Peer) -> None:
    theirs, _, end = peer
    while not end._waiting:
        end.send(b"x" * 60_000)
    theirs.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        while True:
            theirs.recv(MAX_FRAME)
    assert not end.hand_over(b"here", 1), "there is room, and something waits that comes before"

    def drained() -> bool:
        with contextlib.suppress(BlockingIOError):
            theirs.recv(MAX_FRAME)
        return not end._waiting

    await until(drained)
    assert end.hand_over(b"here", 1)
    end.close()
    assert not end.hand_over(b"here", 1)


async def test_one_whose_socket_is_full_is_handed_nothing(peer: Peer) -> None:
    theirs, _, end = peer
    given = 0
    while end.hand_over(b"x" * 60_000, 1):
        given += 1
    assert given
    assert not end._waiting
    for _ in range(given):
        os.close(socket.recv_fds(theirs, MAX_FRAME, 1)[1][0])
