"""exod's side of the keeper: requests → answers by id, exits and the keeper's own loss as callbacks."""

import asyncio
import os
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from exod.errors import Outcome, Refusal, Refused
from exod.linux.descriptors import close
from exod.sandbox import answers
from exod.sandbox.frames import FRAME_SIZE, Frame, Op, decode, receive, send

DEADLINE = 5.0
Answer = answers.Answer[Frame]
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
    log: int


class Lease:
    def __init__(self, end: socket.socket, *, on_exit: Callable[[Frame], None], on_lost: Callable[[], None]) -> None:
        self._end = end
        self._on_exit, self._on_lost = on_exit, on_lost
        self._waiting: dict[tuple[int, int], Answer] = {}
        self._held: list[Held] = []
        self._next = 1
        self.keeper = self.epoch = 0
        end.settimeout(0)
        asyncio.get_running_loop().add_reader(end.fileno(), self._readable)

    async def take(self, *, seconds: float = DEADLINE) -> Sequence[Held]:
        """All bound instances; past exits come through `on_exit` before this returns."""
        self._held = []
        try:
            async with asyncio.timeout(seconds):
                frame, _ = await self.answered(self._ask(Frame(Op.TAKE)))
        except TimeoutError:
            sentence = "cannot take over the instances: another exod holds them"
            raise Refused(Refusal("lease-held", sentence, "stop the other exod", outcome=Outcome.FAILED)) from None
        self.keeper, self.epoch = frame.pid, frame.aux
        return self._held

    async def zygote(self) -> tuple[int, int, int]:
        """(pid, socket, pidfd) of a fresh zygote; the descriptors are the caller's."""
        self._next += 1
        frame, fds = await self.answered(self._ask(Frame(Op.ZYGOTE, id=self._next)))
        return frame.pid, fds[0], fds[1]

    def deposit(self, id_: int, *, nonce: bytes, channel: int, log: int) -> Answer:
        """Asks; done when `answered` returns, which has to be before the fork."""
        return self._ask(Frame(Op.DEPOSIT, id=id_, nonce=nonce), channel, log)

    def bind(self, id_: int, *, pid: int, pidfd: int) -> Answer:
        return self._ask(Frame(Op.BIND, id=id_, pid=pid), pidfd)

    async def forget(self, id_: int) -> None:
        await self.answered(self._ask(Frame(Op.FORGET, id=id_)))

    async def stat(self) -> Frame:
        frame, _ = await self.answered(self._ask(Frame(Op.STAT)))
        return frame

    async def answered(self, answer: Answer) -> tuple[Frame, list[int]]:
        """Raises OSError with the keeper's errno when it refused, Refused when it is gone."""
        frame, fds = await answers.answered(answer, seconds=2 * DEADLINE, late=lost)
        if frame.op == Op.NAK:
            raise OSError(frame.aux, os.strerror(frame.aux), "keeper")
        return frame, fds

    def close(self) -> None:
        if self._end.fileno() >= 0:
            asyncio.get_running_loop().remove_reader(self._end.fileno())
            self._end.close()
        answers.fail(self._waiting.values(), lost)
        self._waiting.clear()

    def _ask(self, frame: Frame, *fds: int) -> Answer:
        if self._end.fileno() < 0:
            raise lost()
        answer: Answer = asyncio.get_running_loop().create_future()
        send(self._end, frame.encode(), fds)
        self._waiting[frame.op, frame.id] = answer
        return answer

    def _readable(self) -> None:
        for _ in range(_BURST):
            received = receive(self._end, FRAME_SIZE)
            if received is None:
                return
            data, fds = received
            frame = decode(data)
            if frame is None:
                close(fds)
                self.close()
                self._on_lost()
                return
            self._dispatch(frame, fds)

    def _dispatch(self, frame: Frame, fds: list[int]) -> None:
        if frame.op == Op.INSTANCE and len(fds) == 3:
            self._held.append(Held(frame.id, frame.pid, frame.nonce, *fds))
            return
        if frame.op == Op.EXIT:
            self._on_exit(frame)
        elif len(fds) == (2 if frame.op == Op.BORN else 0):
            answers.settle(self._waiting.pop((frame.ref, frame.id), None), frame, fds)
            return
        close(fds)


def lost() -> Refused:
    return Refused(Refusal("keeper-lost", "cannot reach the keeper: it is gone", outcome=Outcome.FAILED))
