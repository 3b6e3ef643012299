"""THREATS 35: a package descriptor that is no honest file: refused in time, closed, and the loop never waits for it."""

import asyncio
import contextlib
import os
import pty
import socket
import struct
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from exod.errors import Refusal
from exod.state.intake import Intake


@pytest.fixture
async def intake() -> Intake:
    return Intake()


def fifo(place: Path) -> int:
    os.mkfifo(place / "fifo")
    return os.open(place / "fifo", os.O_RDWR)


def terminal(_: Path) -> int:
    leader, follower = pty.openpty()
    os.close(leader)
    return follower


def unix_socket(_: Path) -> int:
    return socket.socket(socket.AF_UNIX).detach()


def path_only(place: Path) -> int:
    (place / "file").write_bytes(b"bytes")
    return os.open(place / "file", os.O_PATH)


def link_itself(place: Path) -> int:
    (place / "link").symlink_to("/etc/shadow")
    return os.open(place / "link", os.O_PATH | os.O_NOFOLLOW)


def endless(_: Path) -> int:
    return os.open("/dev/zero", os.O_RDONLY)


def random_bytes(_: Path) -> int:
    return os.open("/dev/urandom", os.O_RDONLY)


def directory(place: Path) -> int:
    return os.open(place, os.O_RDONLY)


def sparse(place: Path) -> int:
    fd = os.open(place / "sparse", os.O_RDWR | os.O_CREAT)
    os.truncate(fd, 1 << 43)
    return fd


def write_only(place: Path) -> int:
    return os.open(place / "out", os.O_WRONLY | os.O_CREAT)


def procfs(_: Path) -> int:
    return os.open("/proc/kallsyms", os.O_RDONLY)


ODD = [
    fifo,
    terminal,
    unix_socket,
    path_only,
    link_itself,
    endless,
    random_bytes,
    directory,
    sparse,
    write_only,
    procfs,
]


@pytest.mark.parametrize("make", ODD, ids=lambda make: make.__name__)
async def test_it_is_refused_at_once_with_a_reason(intake: Intake, tmp_path: Path, make: Callable[[Path], int]) -> None:
    started = time.monotonic()
    result = await intake.read_package(make(tmp_path), deadline=5)
    assert isinstance(result, Refusal)
    assert result.sentence.startswith("cannot read the package: ")
    assert time.monotonic() - started < 4, "not by its deadline"


async def test_none_of_a_thousand_stays_open(intake: Intake) -> None:
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(20):
        pairs = [socket.socketpair() for _ in range(25)]
        await asyncio.gather(*(intake.read_package(pair[0].detach()) for pair in pairs))
        await asyncio.gather(*(intake.read_package(pair[1].detach()) for pair in pairs))
    for thread in threading.enumerate():
        if thread.name == "fd-closer":
            await asyncio.to_thread(thread.join)
    assert len(os.listdir("/proc/self/fd")) <= before + 2


def fill(client: socket.socket) -> None:
    """Send until the peer's and our own buffers are full."""
    client.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        while client.send(bytes(1 << 16)):
            pass
    client.setblocking(True)


async def test_a_socket_that_lingers_does_not_hold_up_the_loop_or_the_next_package(intake: Intake) -> None:
    """close(2) of it waits in the kernel for data that the peer never takes."""
    listener = socket.create_server(("127.0.0.1", 0))
    client = socket.create_connection(listener.getsockname())
    peer, _ = listener.accept()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 2))
    fill(client)
    started = time.monotonic()
    result = await intake.read_package(client.detach())
    good = os.memfd_create("package")
    os.write(good, b"bytes")
    package = await intake.read_package(good)
    assert time.monotonic() - started < 1
    assert isinstance(result, Refusal)
    assert not isinstance(package, Refusal)
    peer.close()
    listener.close()
