"""exod's side of the keeper: requests → answers by id, exits and the keeper's own loss as callbacks."""

import asyncio
import os
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from exod.errors import Outcome, Refusal, Refused
from exod.sandbox.frames import FRAME_SIZE, Frame, Op, decode, receive, send

DEADLINE = 10.0
_BURST = 64
"""Frames read in one turn of the loop."""


@dataclass(slots=True)
class Held:
    """What the keeper hands back at TAKE; the descriptors are the taker's."""

    id: int
    pid: int
    nonce: bytes
    channel: int
    pidfd: int


class Lease:
    def __init__(self, end: socket.socket, *, on_exit: Callable[[Frame], None], on_lost: Callable[[], None]) -> None:
        self._end = end
        self._on_exit, self._on_lost = on_exit, on_lost
        self._waiting: dict[tuple[int, int], asyncio.Future[tuple[Frame, list[int]]]] = {}
        self._held: list[Held] = []
        self._next = 1
        self.keeper = 0
        end.setblocking(False)
        asyncio.get_running_loop().add_reader(end.fileno(), self._readable)

    async def take(self) -> Sequence[Held]:
        """All bound instances; past exits come through `on_exit` before this returns."""
        self._held = []
        frame, _ = await self._request(Frame(Op.TAKE))
        self.keeper = frame.pid
        return self._held

    async def zygote(self) -> tuple[int, int, int]:
        """(pid, socket, pidfd) of a fresh zygote; the descriptors are the caller's."""
        self._next += 1
        frame, fds = await self._request(Frame(Op.ZYGOTE, id=self._next))
        return frame.pid, fds.pop(0), fds.pop(0)

    async def deposit(self, id_: int, *, nonce: bytes, channel: int) -> None:
        await self._request(Frame(Op.DEPOSIT, id=id_, nonce=nonce), channel)

    async def bind(self, id_: int, *, pid: int, pidfd: int) -> None:
        await self._request(Frame(Op.BIND, id=id_, pid=pid), pidfd)

    async def forget(self, id_: int) -> None:
        await self._request(Frame(Op.FORGET, id=id_))

    async def reexec(self) -> None:
        await self._request(Frame(Op.REEXEC))

    async def stat(self) -> Frame:
        frame, _ = await self._request(Frame(Op.STAT))
        return frame

    def close(self) -> None:
        if self._end.fileno() >= 0:
            asyncio.get_running_loop().remove_reader(self._end.fileno())
            self._end.close()
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(_lost())
        self._waiting.clear()

    async def _request(self, frame: Frame, *fds: int) -> tuple[Frame, list[int]]:
        if self._end.fileno() < 0:
            raise _lost()
        key = (frame.op, frame.id)
        future = asyncio.get_running_loop().create_future()
        self._waiting[key] = future
        try:
            send(self._end, frame.encode(), fds)
            async with asyncio.timeout(DEADLINE):
                answer, received = await future
        except (TimeoutError, OSError) as error:
            raise _lost() from error
        finally:
            self._waiting.pop(key, None)
        if answer.op == Op.NAK:
            raise OSError(answer.aux, os.strerror(answer.aux), f"keeper {Op(frame.op).name.lower()}")
        return answer, received

    def _readable(self) -> None:
        for _ in range(_BURST):
            try:
                data, fds = receive(self._end, FRAME_SIZE, flags=socket.MSG_DONTWAIT)
            except BlockingIOError:
                return
            except OSError:
                data, fds = b"", []
            frame = decode(data)
            if frame is None:
                _close(fds)
                self.close()
                self._on_lost()
                return
            self._dispatch(frame, fds)

    def _dispatch(self, frame: Frame, fds: list[int]) -> None:
        future = self._waiting.get((frame.ref, frame.id))
        if frame.op == Op.INSTANCE and len(fds) == 2:
            self._held.append(Held(frame.id, frame.pid, frame.nonce, fds.pop(0), fds.pop(0)))
        elif frame.op == Op.EXIT:
            self._on_exit(frame)
        elif future is not None and not future.done() and len(fds) == (2 if frame.op == Op.BORN else 0):
            future.set_result((frame, fds))
            return
        _close(fds)


def _close(fds: list[int]) -> None:
    while fds:
        os.close(fds.pop())


def _lost() -> Refused:
    return Refused(Refusal("keeper-lost", "cannot reach the keeper: it is gone", outcome=Outcome.FAILED))
