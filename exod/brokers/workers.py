"""A broker's side of its worker: code → a fresh process with nothing of ours but what it is handed, and what it says.

Never waits for it on the loop and believes nothing of it, outlives whatever it does: no answer is an answer too.
"""

import asyncio
import os
import signal
import socket
import struct
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from exod.linux.pidfd import pidfd_open, pidfd_send_signal, waitid

_ROOT: Final = str(Path(__file__).resolve().parents[2])
NOTHING: Final[Mapping[str, str]] = MappingProxyType({})


def spawn(
    code: str, *arguments: str, actions: Sequence[tuple[Any, ...]], environment: Mapping[str, str] = NOTHING
) -> int:
    """Its pid. `code` finds where ours lies in sys.argv[1], and `arguments` after it; `actions` of posix_spawn(3)."""
    command = [sys.executable, "-I", "-S", "-B", "-c", code, _ROOT, *arguments]
    return os.posix_spawn(command[0], command, dict(environment), file_actions=actions, setsid=True, setsigmask=())


class Worker:
    """One at a time, which is asked on its descriptor 0, started when there is a question, and anew when it has left.

    code: asked for at each start. `gone` is set once the one of now was buried; `line` is None while there is none.
    """

    def __init__(self, code: Callable[[], str], *arguments: str, environment: Mapping[str, str] = NOTHING) -> None:
        self._code, self._arguments, self._environment = code, arguments, environment
        self.line: socket.socket | None = None
        self.gone = asyncio.Event()
        self.pidfd = -1

    async def send(self, data: bytes, descriptors: Sequence[int]) -> None:
        """To the one that is there, or else to a new one."""
        try:
            self._hand(data, descriptors)
        except (BrokenPipeError, ConnectionResetError):  # it has left, and is not buried yet
            await self.gone.wait()
            self._hand(data, descriptors)

    def end(self) -> None:
        """Its children die with it."""
        if not self.gone.is_set():
            pidfd_send_signal(self.pidfd, signal.SIGKILL)

    async def close(self) -> None:
        """Twice is fine."""
        if self.line is not None:
            self.end()
            await self.gone.wait()

    def _hand(self, data: bytes, descriptors: Sequence[int]) -> None:
        line = self.line or self._start()
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, struct.pack(f"{len(descriptors)}i", *descriptors))]
        # Not socket.send_fds: Python 3.11 forgets its flags, and a worker that reads nothing would stop the loop.
        line.sendmsg([data], rights, socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)

    def _start(self) -> socket.socket:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        quiet = [(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_WRONLY, 0) for number in (1, 2)]
        with theirs:
            actions = [(os.POSIX_SPAWN_DUP2, theirs.fileno(), 0), *quiet]
            pid = spawn(self._code(), *self._arguments, actions=actions, environment=self._environment)
        self.line, self.pidfd, self.gone = ours, pidfd_open(pid), asyncio.Event()
        asyncio.get_running_loop().add_reader(self.pidfd, self._ended)
        return ours

    def _ended(self) -> None:
        """It has left, or was ended: buried at once, whenever that is."""
        assert self.line is not None
        asyncio.get_running_loop().remove_reader(self.pidfd)
        waitid(self.pidfd)
        os.close(self.pidfd)
        self.line.close()
        self.line = None
        self.gone.set()


async def collect(source: int, *, most: int, last: bytes = b"") -> bytes:
    """All that comes until its other end is closed, or `last` has come, or more than `most` bytes."""
    loop = asyncio.get_running_loop()
    over: asyncio.Future[None] = loop.create_future()
    said = bytearray()

    def readable() -> None:
        more = os.read(source, most)
        said.extend(more)
        whole = len(said) > most or (last and said.endswith(last))
        if (whole or not more) and not over.done():
            over.set_result(None)

    os.set_blocking(source, False)
    loop.add_reader(source, readable)
    try:
        await over
    finally:
        loop.remove_reader(source)
    return bytes(said[:most])
