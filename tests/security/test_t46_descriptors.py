"""T46: descriptors nobody asked for, by the hundred, in cycles, lingering on close, or the sender's own channel end."""

import asyncio
import os
import socket
import struct
import threading
import time
from collections.abc import Iterator

import pytest

from exod.supervisor import channel_end
from exod.supervisor.channel import Channel
from tests.exosdk.instances import Heard, Peer, until


@pytest.fixture
def old_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    """One without SO_PASSRIGHTS: what is sent arrives."""
    monkeypatch.setattr(channel_end, "SO_PASSRIGHTS", 9999)


@pytest.fixture
def peer() -> Iterator[Peer]:
    made = Peer()
    yield made
    made.close()


async def test_a_sender_is_refused_by_the_kernel_or_its_channel_ends(peer: Peer) -> None:
    heard = Heard()
    channel = Channel(peer.end, heard)
    try:
        socket.send_fds(peer.socket, [b"x"], [0])
    except PermissionError:
        assert heard.strikes == []
    else:
        await until(lambda: heard.illnesses)
    channel.close()


async def test_the_senders_own_end_sent_over_itself_does_not_hide_that_it_broke_the_rules(
    old_kernel: None, peer: Peer
) -> None:
    heard = Heard()
    channel = Channel(peer.end, heard)
    socket.send_fds(peer.socket, [b"x"], [peer.socket.fileno()])
    peer.close()
    await until(lambda: heard.illnesses)
    channel.close()
    channel.close()


async def test_a_cycle_of_sockets_is_closed_with_the_channel(old_kernel: None, peer: Peer) -> None:
    heard = Heard()
    before = len(os.listdir("/proc/self/fd"))
    channel = Channel(peer.end, heard)
    left, right = socket.socketpair()
    socket.send_fds(left, [b"x"], [right.fileno(), left.fileno()])
    socket.send_fds(peer.socket, [b"x"], [left.fileno(), right.fileno()])
    left.close()
    right.close()
    await until(lambda: heard.illnesses)
    channel.close()
    await until(lambda: len(os.listdir("/proc/self/fd")) < before)


def lingering() -> tuple[socket.socket, socket.socket]:
    """A TCP socket that blocks whoever closes it last: unsent data, and five seconds to linger."""
    listener = socket.create_server(("127.0.0.1", 0))
    client = socket.create_connection(listener.getsockname())
    server, _ = listener.accept()
    listener.close()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 5))
    client.setblocking(False)
    try:
        while True:
            client.send(b"x" * 65_536)
    except BlockingIOError:
        return client, server


async def test_a_socket_that_lingers_on_close_does_not_hold_up_the_loop(old_kernel: None, peer: Peer) -> None:
    heard = Heard()
    channel = Channel(peer.end, heard)
    client, server = lingering()
    socket.send_fds(peer.socket, [b"x"], [client.fileno()])
    client.close()
    began = time.monotonic()
    await until(lambda: heard.illnesses)
    channel.close()
    await asyncio.sleep(0)
    assert time.monotonic() - began < 2.0
    server.close()
    for thread in threading.enumerate():
        if thread.name == "fd-closer":
            thread.join(10)
