"""A name → the addresses that this host's resolver gives it. Starts the worker for it, ends it with itself.

Never waits for it on the loop and believes nothing of it but that they are addresses.
"""

import asyncio
import os
import signal
import socket
import struct
import sys
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path

from exod.brokers.network.rules import Address
from exod.brokers.network.worker import MOST, SECONDS
from exod.linux.descriptors import opened
from exod.linux.pidfd import pidfd_open, pidfd_send_signal, waitid

AT_ONCE = 8
"""Names that are asked for beside each other."""
_PATIENCE = SECONDS + 5.0
_ANSWER = MOST * 48
_ROOT = str(Path(__file__).resolve().parents[3])
_START = "import sys; sys.path.append(sys.argv[1]); from exod.brokers.network.worker import main; main(sys.argv[2])"
_ENVIRONMENT = {"LOCALDOMAIN": "."}
"""A name is itself: no search list makes another of it."""


class Resolver:
    """One worker at a time, started anew when it has left. `uid`: shared with `own`'s worker alone."""

    def __init__(self, *, uid: int) -> None:
        self._uid = uid
        self._questions: socket.socket | None = None
        self._gone = asyncio.Event()
        self._pidfd = -1
        self._slots = asyncio.Semaphore(AT_ONCE)

    async def resolve(self, name: str) -> list[Address]:
        """None of them may be where a plugin may go. Raises OSError of this host."""
        source, sink = os.pipe()
        async with self._slots:
            try:
                with opened(sink):
                    await self._send(name.encode(), sink)
                async with asyncio.timeout(_PATIENCE):
                    return addresses(await collect(source))
            except TimeoutError:
                self._end()
                return []
            finally:
                os.close(source)

    async def close(self) -> None:
        """Twice is fine."""
        if self._questions is not None:
            self._end()
            await self._gone.wait()

    async def _send(self, name: bytes, sink: int) -> None:
        """To the worker that is there, or else to a new one."""
        try:
            self._hand(name, sink)
        except (BrokenPipeError, ConnectionResetError):  # it has left, and is not buried yet
            await self._gone.wait()
            self._hand(name, sink)

    def _hand(self, name: bytes, sink: int) -> None:
        questions = self._questions or self._start()
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, struct.pack("i", sink))]
        questions.sendmsg([name], rights, socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)

    def _start(self) -> socket.socket:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        command = [sys.executable, "-I", "-S", "-B", "-c", _START, _ROOT, str(self._uid)]
        quiet = [(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_WRONLY, 0) for number in (1, 2)]
        with theirs:
            pid = os.posix_spawn(
                command[0],
                command,
                _ENVIRONMENT,
                file_actions=[(os.POSIX_SPAWN_DUP2, theirs.fileno(), 0), *quiet],
                setsid=True,
                setsigmask=(),
            )
        self._questions, self._pidfd, self._gone = ours, pidfd_open(pid), asyncio.Event()
        asyncio.get_running_loop().add_reader(self._pidfd, self._ended)
        return ours

    def _end(self) -> None:
        """Its children die with it."""
        if not self._gone.is_set():
            pidfd_send_signal(self._pidfd, signal.SIGKILL)

    def _ended(self) -> None:
        """It has left, or was ended: buried at once, whenever that is."""
        assert self._questions is not None
        asyncio.get_running_loop().remove_reader(self._pidfd)
        waitid(self._pidfd)
        os.close(self._pidfd)
        self._questions.close()
        self._questions = None
        self._gone.set()


def addresses(said: bytes) -> list[Address]:
    """What is one; an IPv6 address with a zone leads where only this host knows, and is none."""
    found = []
    for word in said.decode("ascii", "replace").split()[:MOST]:
        with suppress(ValueError):
            found += [ip_address(word)] if "%" not in word else []
    return found


async def collect(source: int) -> bytes:
    """All that comes until its other end is closed, or more than there may be."""
    loop = asyncio.get_running_loop()
    over: asyncio.Future[None] = loop.create_future()
    said = bytearray()

    def readable() -> None:
        more = os.read(source, _ANSWER)
        said.extend(more)
        if (not more or len(said) > _ANSWER) and not over.done():
            over.set_result(None)

    os.set_blocking(source, False)
    loop.add_reader(source, readable)
    try:
        await over
    finally:
        loop.remove_reader(source)
    return bytes(said[:_ANSWER])
