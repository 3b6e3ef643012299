"""A job's bytes → what the worker says of them. Starts the worker when there is a job and ends it with itself.

Never waits for it on the loop, believes nothing of it, outlives whatever it does: no answer is an answer too.
"""

import asyncio
import os
import signal
import socket
import struct
import sys
from pathlib import Path

from exod.brokers.lint.job import END, OUTPUT_MAX, WALL_SECONDS
from exod.linux.descriptors import opened
from exod.linux.pidfd import pidfd_open, pidfd_send_signal, waitid

PATIENCE = WALL_SECONDS + 5.0
"""Seconds; the kernel ends a reader before."""
LAST = b"\n" + END.encode() + b"\n"
AT_ONCE = 4
"""Packages that are read beside each other: what each may take of memory, the host has to have so often."""
_ROOT = str(Path(__file__).resolve().parents[3])
_START = "import sys; sys.path.append(sys.argv[1]); from exod.brokers.lint.worker import main; main(int(sys.argv[2]))"


class Reader:
    """One worker at a time, started anew when it has left. `uid` is its own, and nobody else's."""

    def __init__(self, *, uid: int) -> None:
        self._uid = uid
        self._jobs: socket.socket | None = None
        self._gone = asyncio.Event()
        self._pidfd = -1
        self._slots = asyncio.Semaphore(AT_ONCE)

    async def read(self, job: bytes) -> str:
        """Its answer, which may not be whole. Raises OSError of this host."""
        answer = b""
        async with self._slots:
            for _ in range(2):  # it may have left, idle, with the job in its hands, or been ended for another one
                answer = await self._ask(job)
                if answer.endswith(LAST):
                    break
                if not answer:  # nobody took the job: another worker then
                    await self.close()
        return answer.decode("ascii", "replace")

    async def close(self) -> None:
        """Twice is fine."""
        if self._jobs is not None:
            self._end()
            await self._gone.wait()

    async def _ask(self, job: bytes) -> bytes:
        memory = await asyncio.to_thread(_memory, job)
        source, sink = os.pipe()
        try:
            with opened(memory), opened(sink):
                await self._send([memory, sink])
            async with asyncio.timeout(PATIENCE):
                return await _collect(source)
        except TimeoutError:
            self._end()
            return b""
        finally:
            os.close(source)

    async def _send(self, descriptors: list[int]) -> None:
        """To the worker that is there, or else to a new one."""
        try:
            self._hand(descriptors)
        except (BrokenPipeError, ConnectionResetError):  # it has left, and is not buried yet
            await self._gone.wait()
            self._hand(descriptors)

    def _hand(self, descriptors: list[int]) -> None:
        jobs = self._jobs or self._start()
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, struct.pack(f"{len(descriptors)}i", *descriptors))]
        # Not socket.send_fds: Python 3.11 forgets its flags, and a worker that reads nothing would stop the loop.
        jobs.sendmsg([b"j"], rights, socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)

    def _end(self) -> None:
        """Its children die with it."""
        if not self._gone.is_set():
            pidfd_send_signal(self._pidfd, signal.SIGKILL)

    def _start(self) -> socket.socket:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        command = [sys.executable, "-I", "-S", "-B", "-c", _START, _ROOT, str(self._uid)]
        quiet = [(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_WRONLY, 0) for number in (1, 2)]
        with theirs:
            pid = os.posix_spawn(
                command[0],
                command,
                {},
                file_actions=[(os.POSIX_SPAWN_DUP2, theirs.fileno(), 0), *quiet],
                setsid=True,
                setsigmask=(),
            )
        self._jobs, self._pidfd, self._gone = ours, pidfd_open(pid), asyncio.Event()
        asyncio.get_running_loop().add_reader(self._pidfd, self._ended)
        return ours

    def _ended(self) -> None:
        """It has left, or was ended: buried at once, whenever that is."""
        assert self._jobs is not None
        asyncio.get_running_loop().remove_reader(self._pidfd)
        waitid(self._pidfd)
        os.close(self._pidfd)
        self._jobs.close()
        self._jobs = None
        self._gone.set()


def _memory(job: bytes) -> int:
    descriptor = os.memfd_create("lint", os.MFD_CLOEXEC)
    try:
        view = memoryview(job)
        while view:
            view = view[os.write(descriptor, view) :]
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


async def _collect(source: int) -> bytes:
    """All that comes until the last line, or until its other end is closed, or more than there may be."""
    loop = asyncio.get_running_loop()
    over: asyncio.Future[None] = loop.create_future()
    said = bytearray()

    def readable() -> None:
        more = os.read(source, OUTPUT_MAX)
        said.extend(more)
        whole = said.endswith(LAST) or len(said) > OUTPUT_MAX
        if (whole or not more) and not over.done():
            over.set_result(None)

    os.set_blocking(source, False)
    loop.add_reader(source, readable)
    try:
        await over
    finally:
        loop.remove_reader(source)
    return bytes(said[:OUTPUT_MAX])
