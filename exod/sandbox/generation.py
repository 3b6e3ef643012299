"""One zygote from exod's side: armed once for a block of uids, then asked for instances and network namespaces.

Answers come in the order of the requests. What it hands over is checked, not believed: a pidfd's process by the outside
check, a network namespace by its type, its owner and its number.
"""

import asyncio
import os
import socket
from collections import deque
from collections.abc import Sequence
from pathlib import Path

from exod.errors import Outcome, Refusal, Refused
from exod.linux import mount, netns, pidfd, procfs
from exod.sandbox import frames, seccomp
from exod.sandbox.uids import Block

DEADLINE = 10.0
POOL = 4
_CLONE_SEALED = mount.MOUNT_ATTR_NOSUID | mount.MOUNT_ATTR_NODEV | mount.MOUNT_ATTR_NOEXEC


class Zygote:
    def __init__(self, *, pid: int, channel: int, descriptor: int) -> None:
        self.pid, self.descriptor = pid, descriptor
        self.forks = 0
        self.block = Block(0)
        self.users = 0
        self._end = socket.socket(fileno=channel)
        self._end.settimeout(0)
        self._answers: deque[asyncio.Future[tuple[bytes, list[int]]]] = deque()
        self._networks: list[int] = []
        self._refill: asyncio.Task[None] | None = None
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._end.fileno(), self._readable)
        self._warm = self._expect()

    @property
    def alive(self) -> bool:
        return self._end.fileno() >= 0 and self.descriptor >= 0 and not pidfd.ended(self.descriptor)

    async def arm(self, block: Block, *, group: int, program: bytes, log: bool) -> None:
        """Maps its users, gives it its procfs and its filter. Once; after it the zygote serves."""
        self.block = block
        await self._word(self._warm, b"warm")
        self._map("gid_map", f"0 {group} 1\n{block.first + 1} {block.first + 1} {block.last - block.first}\n")
        self._map("uid_map", f"0 {block.first} 1\n{block.first + 1} {block.first + 1} {block.last - block.first}\n")
        head = frames.ARM.pack(frames.REQUEST_MAGIC, block.first + 1, block.last, seccomp.FLAG_LOG if log else 0)
        procs = _procfs()
        try:
            armed = self._ask(head + program, (procs,))
        finally:
            os.close(procs)
        await self._word(armed, b"armed")
        self.users = procfs.namespace(self.pid, "user")
        self._fill()

    async def fork(self, id_: int, request: bytes, fds: Sequence[int]) -> tuple[int, int]:
        """(pid, pidfd) of the new instance; raises OSError with the zygote's errno."""
        self.forks += 1
        error, pid, received = await self._reply(self._ask(request, fds), id_)
        if error or len(received) != 1:
            _close(received)
            raise OSError(error, os.strerror(error), "fork")
        return pid, received[0]

    async def network(self) -> int:
        """An empty network namespace that was never used, from the pool if there is one."""
        try:
            return self._networks.pop() if self._networks else await self._network()
        finally:
            self._fill()

    def close(self) -> None:
        """Hang-up: the zygote serves what was asked and exits. Twice is fine."""
        if self._refill is not None:
            self._refill.cancel()
        self._hung_up()
        _close(self._networks)
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1

    async def _network(self) -> int:
        error, _, received = await self._reply(self._ask(frames.request(frames.NETNS)), 0)
        if error:
            raise OSError(error, os.strerror(error), "network namespace")
        made = received[0] if len(received) == 1 else -1
        known = {netns.identity(other) for other in self._networks}
        if made < 0 or not netns.is_network(made) or netns.owner(made) != self.users or netns.identity(made) in known:
            _close(received)
            self._hung_up()
            raise _lost("it handed over what is no new network namespace")
        return made

    def _fill(self) -> None:
        if self.alive and len(self._networks) < POOL and (self._refill is None or self._refill.done()):
            self._refill = self._loop.create_task(self._fill_pool())

    async def _fill_pool(self) -> None:
        try:
            while len(self._networks) < POOL:
                self._networks.append(await self._network())
        except (OSError, Refused):
            return  # the next start asks itself, and says why it cannot

    def _map(self, name: str, text: str) -> None:
        file = os.open(Path("/proc") / str(self.pid) / name, os.O_WRONLY | os.O_CLOEXEC)
        try:
            if pidfd.ended(self.descriptor):
                raise _lost("it ended while it was mapped")
            os.write(file, text.encode())
        finally:
            os.close(file)

    # --- answers ------------------------------------------------------------------------------------------------------

    def _expect(self) -> asyncio.Future[tuple[bytes, list[int]]]:
        future = self._loop.create_future()
        self._answers.append(future)
        return future

    def _ask(self, data: bytes, fds: Sequence[int] = ()) -> asyncio.Future[tuple[bytes, list[int]]]:
        if self._end.fileno() < 0:
            raise _lost("it ended")
        frames.send(self._end, data, fds)
        return self._expect()

    async def _word(self, future: asyncio.Future[tuple[bytes, list[int]]], word: bytes) -> None:
        data, fds = await self._answer(future)
        _close(fds)
        if data != word:
            raise _lost("it does not speak as it should")

    async def _reply(self, future: asyncio.Future[tuple[bytes, list[int]]], id_: int) -> tuple[int, int, list[int]]:
        data, fds = await self._answer(future)
        answer = frames.reply(data)
        if answer is None or answer[1] != id_:
            _close(fds)
            self._hung_up()
            raise _lost("it does not speak as it should")
        error, _, pid = answer
        return error, pid, fds

    async def _answer(self, future: asyncio.Future[tuple[bytes, list[int]]]) -> tuple[bytes, list[int]]:
        try:
            async with asyncio.timeout(DEADLINE):
                return await asyncio.shield(future)
        except TimeoutError:
            future.add_done_callback(_discard)
            raise _lost("it does not answer") from None
        except asyncio.CancelledError:
            future.add_done_callback(_discard)
            raise

    def _readable(self) -> None:
        try:
            data, fds = frames.receive(self._end, frames.REPLY_SIZE, flags=socket.MSG_DONTWAIT)
        except BlockingIOError:
            return
        except OSError:
            data, fds = b"", []
        if not data or not self._answers:
            _close(fds)
            self._hung_up()
            return
        future = self._answers.popleft()
        if future.done():
            _close(fds)
        else:
            future.set_result((data, fds))

    def _hung_up(self) -> None:
        if self._end.fileno() < 0:
            return
        self._loop.remove_reader(self._end.fileno())
        self._end.close()
        while self._answers:
            future = self._answers.popleft()
            if not future.done():
                future.set_exception(_lost("it ended"))
                future.exception()  # nobody may be waiting for the pool's


def _procfs() -> int:
    """Detached, so that `..` ends in it, and showing nothing but what its reader could trace anyway."""
    fs = mount.fsopen("proc")
    try:
        mount.fsconfig_set_string(fs, "hidepid", "ptraceable")
        mount.fsconfig_set_string(fs, "subset", "pid")
        mount.fsconfig_create(fs)
        return mount.fsmount(fs, _CLONE_SEALED)
    finally:
        os.close(fs)


def _close(fds: list[int]) -> None:
    while fds:
        os.close(fds.pop())


def _discard(future: asyncio.Future[tuple[bytes, list[int]]]) -> None:
    """Closes what came for a caller that no longer waits."""
    if not future.cancelled() and future.exception() is None:
        _close(future.result()[1])


def _lost(reason: str) -> Refused:
    return Refused(
        Refusal("zygote-lost", f"cannot start an instance: the zygote fails: {reason}", outcome=Outcome.FAILED)
    )
