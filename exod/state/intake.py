"""A descriptor from a client → PackageBytes, copied once, or a Refusal; the descriptor is closed whatever happens.

Refuses what is no regular file, what cannot be read through it, what is empty, too large, on FUSE, or changes while it
is read (THREATS 35). Nothing of the descriptor is touched on the loop: a look at a FUSE file, or the close of a
lingering socket, may take as long as its owner likes.
"""

import asyncio
import contextlib
import fcntl
import os
import stat
import threading
import time
from typing import NewType

from exod.closer import close_elsewhere
from exod.errors import Outcome, Refusal
from exod.linux import procfs
from exod.state.writer import call_on

LIMIT = 64 << 20
DEADLINE = 10.0
SLOTS = 8
WAITING = 32
_CHUNK = 1 << 20
_NAMELESS = ("pipe:", "socket:", "anon_inode:")


PackageBytes = NewType("PackageBytes", bytes)
"""A package's bytes, which nobody else can change any more. Made here only."""


class Intake:
    """At most `slots` reads at once and `waiting` more; what comes beyond is refused.

    A read that hangs past its deadline keeps its thread until the file lets it go, and another thread takes its place;
    when as many hang as there are slots, all is refused until one comes back.
    """

    def __init__(self, *, slots: int = SLOTS, waiting: int = WAITING) -> None:
        self._slots = slots
        self._waiting = waiting
        self._busy = 0
        self._stuck = 0
        self._free = asyncio.Semaphore(slots)

    async def read_package(self, fd: int, *, limit: int = LIMIT, deadline: float = DEADLINE) -> PackageBytes | Refusal:
        """Take `fd` over, and read it within `deadline` seconds, the wait for a free slot included."""
        if self._stuck >= self._slots or self._busy >= self._slots + self._waiting:
            close_elsewhere([fd])
            return _refuse("busy", "too many packages are being read", "try again", outcome=Outcome.FAILED)
        self._busy += 1
        try:
            return await self._read(fd, limit=limit, until=time.monotonic() + deadline)
        except TimeoutError:
            return _late()
        finally:
            self._busy -= 1

    async def _read(self, fd: int, *, limit: int, until: float) -> PackageBytes | Refusal:
        try:
            async with asyncio.timeout_at(_loop_time(until)):
                await self._free.acquire()
        except BaseException:
            close_elsewhere([fd])
            raise
        try:
            return await self._in_thread(fd, limit=limit, until=until)
        finally:
            self._free.release()

    async def _in_thread(self, fd: int, *, limit: int, until: float) -> PackageBytes | Refusal:
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[PackageBytes | Refusal] = loop.create_future()
        late = False

        def back(result: PackageBytes | Refusal) -> None:
            self._stuck -= late
            if not answer.done():
                answer.set_result(result)

        def work() -> None:
            result = read(fd, limit=limit, until=until)
            close_elsewhere([fd])  # it may be a socket that lingers: not in a thread that reads
            call_on(loop, back, result)

        # A daemon thread: one that hangs in a read must not hold up the daemon's exit.
        threading.Thread(target=work, name="exod-intake", daemon=True).start()
        try:
            async with asyncio.timeout_at(_loop_time(until)):
                return await answer
        except BaseException:
            # Late or cancelled: either way the thread is not back yet.
            late = not answer.done() or answer.cancelled()
            self._stuck += late
            raise


def _loop_time(until: float) -> float:
    return asyncio.get_running_loop().time() + (until - time.monotonic())


def read(fd: int, *, limit: int, until: float) -> PackageBytes | Refusal:
    """The whole file behind `fd`, from its first byte; blocks. `until` is monotonic seconds."""
    try:
        return _unfit(fd, limit=limit) or _copy(fd, until=until)
    except OSError as error:
        return _refuse("unreadable", f"it cannot be read ({error.strerror})")


def _unfit(fd: int, *, limit: int) -> Refusal | None:
    flags = fcntl.fcntl(fd, fcntl.F_GETFL)
    if flags & os.O_PATH or flags & os.O_ACCMODE == os.O_WRONLY:
        return _refuse("unreadable", "its descriptor is not open for reading")
    if os.readlink(f"/proc/self/fd/{fd}").startswith(_NAMELESS):
        return _refuse("no-file", "it is no regular file")
    if reason := _slow(fd):
        return _refuse("unreadable", reason, "copy it to a disk of this host first")
    status = os.fstat(fd)
    if not stat.S_ISREG(status.st_mode):
        return _refuse("no-file", "it is no regular file")
    if status.st_size == 0:
        return _refuse("empty", "it is empty")
    if status.st_size > limit:
        return _refuse("too-large", f"it is larger than {limit} bytes")
    return None


def _slow(fd: int) -> str:
    """Why the file may answer at somebody's pleasure, else "". Asks the kernel only, never the file.

    A thread that waits for an answer from FUSE cannot even be killed, so that no deadline helps. Mounts of this
    namespace and of the host's are known by number; elsewhere (a user's own namespace) only memory is let through.
    """
    kind = procfs.mount_type(fd)
    if not kind:
        with contextlib.suppress(PermissionError):
            kind = procfs.mount_type(fd, seen_by=1)
    if not kind and not _is_memory(fd):
        return "its file system is not one of this host's mounts"
    return f"it lies on {kind}" if kind.startswith("fuse") else ""


def _is_memory(fd: int) -> bool:
    try:
        fcntl.fcntl(fd, fcntl.F_GET_SEALS)
    except OSError:  # EINVAL: neither memfd nor tmpfs
        return False
    return True


def _copy(fd: int, *, until: float) -> PackageBytes | Refusal:
    before = os.fstat(fd)
    data = bytearray()
    while len(data) < before.st_size:
        if time.monotonic() > until:
            return _late()
        part = os.pread(fd, min(_CHUNK, before.st_size - len(data)), len(data))
        if not part:
            return _refuse("changed", "it shrank while it was read")
        data += part
    after = os.fstat(fd)
    if os.pread(fd, 1, len(data)) or _stamp(after) != _stamp(before):
        return _refuse("changed", "it changed while it was read")
    return PackageBytes(bytes(data))


def _stamp(status: os.stat_result) -> tuple[int, int]:
    return status.st_size, status.st_mtime_ns


def _late() -> Refusal:
    return _refuse("late", "it took too long", "copy it to a local disk", outcome=Outcome.TIMED_OUT)


def _refuse(what: str, reason: str, hint: str = "", *, outcome: Outcome = Outcome.REFUSED) -> Refusal:
    return Refusal(f"package-{what}", f"cannot read the package: {reason}", hint, outcome=outcome)
