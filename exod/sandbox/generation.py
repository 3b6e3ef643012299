"""One zygote from exod's side: armed once for a block of uids, then asked for instances and network namespaces.

Answers come in the order of the requests. What it hands over is checked, not believed: a pidfd's process by the outside
check, a network namespace by its type, its owner and its number.
"""

import asyncio
import contextlib
import os
import socket
from collections import deque
from collections.abc import Sequence

from exod.errors import Outcome, Refusal, Refused
from exod.linux import mount, netns, pidfd, procfs
from exod.linux.descriptors import close, opened
from exod.sandbox import answers, frames
from exod.sandbox.answers import Answer
from exod.sandbox.sealed import INERT
from exod.sandbox.uids import Block

DEADLINE = 10.0
POOL = 4


class Zygote:
    def __init__(self, *, pid: int, channel: int, descriptor: int) -> None:
        self.pid, self.descriptor = pid, descriptor
        self.forks = 0
        self.block = Block(0)
        self.users = self.filters = 0
        self._end = socket.socket(fileno=channel)
        self._end.settimeout(0)
        self._answers: deque[Answer[bytes]] = deque()
        self._networks: list[int] = []
        self._refill: asyncio.Task[None] | None = None
        self._retired = False
        self.single = False
        """It forks once: for a start that came too late for the generation of its uid."""
        self._loading: set[int] = set()
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._end.fileno(), self._readable)
        self._warm = self._expect()

    @property
    def alive(self) -> bool:
        serving = self._end.fileno() >= 0 and self.descriptor >= 0 and not self._retired
        return serving and not pidfd.ended(self.descriptor)

    async def arm(self, block: Block, *, group: int, filters: Sequence[bytes]) -> None:
        """Maps its users, gives it its procfs and filters, its own first. Once; after it the zygote serves."""
        self.block = block
        await self._word(self._warm, b"warm")
        self._map("gid_map", f"0 {group} 1\n{block.first + 1} {block.first + 1} {block.last - block.first}\n")
        self._map("uid_map", f"0 {block.first} 1\n{block.first + 1} {block.first + 1} {block.last - block.first}\n")
        arming = frames.arm(block.first + 1, block.last, filters)
        # Detached, so that `..` ends in it, and showing nothing but what its reader could trace anyway.
        with opened(mount.detached("proc", INERT, hidepid="ptraceable", subset="pid")) as procs:
            armed = self._ask(arming, (procs,))
        await self._word(armed, b"armed")
        self.users, self.filters = procfs.namespace(self.pid, "user"), procfs.filters(self.pid)
        self._fill()

    async def fork(self, id_: int, request: bytes, fds: Sequence[int], *, loads: bool = False) -> tuple[int, int]:
        """(pid, pidfd) of the new instance; raises OSError with the zygote's errno. loads: machine code, until it is
        `loaded` or `forgotten`; so long the zygote stays.
        """
        self.forks += 1
        self._loading.update([id_] * loads)
        pid, [descriptor] = await self._reply(self._ask(request, fds), id_, what="fork")
        self._leave(over=self.single)
        return pid, descriptor

    async def loaded(self, pid: int, descriptor: int) -> None:
        """From here on its instance maps no machine code that it has not mapped. Raises OSError, as `fork` does."""
        with opened(os.open(f"/proc/{pid}/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)) as mounts:
            if pidfd.ended(descriptor):
                raise _lost("its instance ended")
            asked = self._ask(frames.request(frames.LOADED, fds=1), (mounts,))
        await self._reply(asked, 0, what="mounts", carries=0)

    def forgotten(self, id_: int) -> None:
        self._loading.discard(id_)
        self._leave(over=self.single)

    async def network(self) -> int:
        """An empty network namespace that was never used, from the pool if there is one."""
        try:
            return self._networks.pop() if self._networks else await self._network()
        finally:
            self._fill()

    def retire(self) -> None:
        """Closes it once what was asked is answered: a neighbour may be in the middle of its start."""
        self._leave(over=True)

    def _leave(self, *, over: bool = False) -> None:
        self._retired |= over
        if self._retired and not self._answers and not self._loading:
            self.close()

    def close(self) -> None:
        """Hang-up: the zygote serves what was asked and exits. Twice is fine."""
        if self._refill is not None:
            self._refill.cancel()
        self._hung_up()
        close(self._networks)
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1

    async def _network(self) -> int:
        _, [made] = await self._reply(self._ask(frames.request(frames.NETNS)), 0, what="network namespace")
        known = {netns.identity(other) for other in self._networks}
        if not netns.is_network(made) or netns.owner(made) != self.users or netns.identity(made) in known:
            os.close(made)
            self._hung_up()
            raise _lost("it handed over what is no new network namespace")
        return made

    def _fill(self) -> None:
        if self.alive and len(self._networks) < POOL and (self._refill is None or self._refill.done()):
            self._refill = self._loop.create_task(self._fill_pool())

    async def _fill_pool(self) -> None:
        with contextlib.suppress(OSError, Refused):  # the next start asks itself, and says why it cannot
            while len(self._networks) < POOL:
                self._networks.append(await self._network())

    def _map(self, name: str, text: str) -> None:
        with opened(os.open(f"/proc/{self.pid}/{name}", os.O_WRONLY | os.O_CLOEXEC)) as file:
            if pidfd.ended(self.descriptor):
                raise _lost("it ended while it was mapped")
            os.write(file, text.encode())

    # --- answers ------------------------------------------------------------------------------------------------------

    def _expect(self) -> Answer[bytes]:
        answer: Answer[bytes] = self._loop.create_future()
        self._answers.append(answer)
        return answer

    def _ask(self, data: bytes, fds: Sequence[int] = ()) -> Answer[bytes]:
        if self._end.fileno() < 0:
            raise _lost("it ended")
        frames.send(self._end, data, fds)
        return self._expect()

    async def _word(self, answer: Answer[bytes], word: bytes) -> None:
        data, fds = await self._answered(answer)
        close(fds)
        if data != word:
            raise _lost("it does not speak as it should")

    async def _reply(self, answer: Answer[bytes], id_: int, *, what: str, carries: int = 1) -> tuple[int, list[int]]:
        """(pid, descriptors); raises OSError with the zygote's errno."""
        data, fds = await self._answered(answer)
        error, id_found, pid = frames.reply(data) or (0, None, 0)
        if id_found == id_ and not error and len(fds) == carries:
            return pid, fds
        close(fds)
        if id_found == id_ and error:
            raise OSError(error, os.strerror(error), what)
        self._hung_up()
        raise _lost("it does not speak as it should")

    async def _answered(self, answer: Answer[bytes]) -> tuple[bytes, list[int]]:
        return await answers.answered(answer, seconds=DEADLINE, late=lambda: _lost("it does not answer"))

    def _readable(self) -> None:
        received = frames.receive(self._end, frames.REPLY_SIZE)
        if received is None:
            return
        data, fds = received
        if data and self._answers:
            answers.settle(self._answers.popleft(), data, fds)
            self._leave()
        else:
            close(fds)
            self._hung_up()

    def _hung_up(self) -> None:
        if self._end.fileno() < 0:
            return
        self._loop.remove_reader(self._end.fileno())
        self._end.close()
        answers.fail(self._answers, lambda: _lost("it ended"))
        self._answers.clear()


def _lost(reason: str) -> Refused:
    sentence = f"cannot start an instance: the zygote fails: {reason}"
    return Refused(Refusal("zygote-lost", sentence, outcome=Outcome.FAILED))
