"""exod's side of the keeper, against one that lies, refuses or goes away."""

import asyncio
import errno
import os
import socket
from collections.abc import AsyncIterator

import pytest

from exod.errors import Refused
from exod.sandbox.frames import Frame, Op, send
from exod.sandbox.lease import Lease


class Liar:
    """The keeper's end of a lease, played by the test."""

    def __init__(self) -> None:
        ours, self.end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.exits: list[Frame] = []
        self.lost: list[bool] = []
        self.lease = Lease(ours, on_exit=self.exits.append, on_lost=lambda: self.lost.append(True))

    def say(self, frame: Frame, *fds: int) -> None:
        send(self.end, frame.encode(), fds)


@pytest.fixture
async def liar() -> AsyncIterator[Liar]:
    before = set(os.listdir("/proc/self/fd"))
    liar = Liar()
    yield liar
    liar.lease.close()
    liar.end.close()
    assert set(os.listdir("/proc/self/fd")) == before


async def test_a_refusal_is_an_error_with_the_keepers_errno(liar: Liar) -> None:
    liar.say(Frame(Op.NAK, id=7, ref=Op.FORGET, aux=errno.EBUSY))
    with pytest.raises(OSError, match="busy"):
        await liar.lease.forget(7)


async def test_an_answer_to_what_was_not_asked_is_dropped_with_its_descriptors(liar: Liar) -> None:
    liar.say(Frame(Op.ACK, id=99, ref=Op.FORGET), 0)
    liar.say(Frame(Op.BORN, id=99, ref=Op.ZYGOTE), 0, 0)
    liar.say(Frame(Op.ACK, id=7, ref=Op.FORGET))
    await liar.lease.forget(7)


async def test_a_zygote_comes_only_with_both_its_descriptors(liar: Liar) -> None:
    liar.say(Frame(Op.BORN, id=2, pid=5, ref=Op.ZYGOTE), 0)
    liar.say(Frame(Op.BORN, id=2, pid=5, ref=Op.ZYGOTE), 0, 0)
    pid, *fds = await liar.lease.zygote()
    assert (pid, len(fds)) == (5, 2)
    for fd in fds:
        os.close(fd)


async def test_what_is_no_frame_ends_the_lease(liar: Liar) -> None:
    asked = asyncio.ensure_future(liar.lease.stat())
    await asyncio.sleep(0)
    liar.end.send(b"nonsense")
    with pytest.raises(Refused, match="gone"):
        await asked
    assert liar.lost == [True]
    with pytest.raises(Refused, match="gone"):
        await liar.lease.stat()


async def test_exits_are_told_whenever_they_come(liar: Liar) -> None:
    told = Frame(Op.EXIT, id=7, pid=3, ref=2, aux=9)
    liar.say(told)
    liar.say(Frame(Op.ACK, ref=Op.STAT))
    await liar.lease.stat()
    assert liar.exits == [told]


async def test_descriptors_for_a_caller_who_gave_up_are_closed(liar: Liar) -> None:
    asked = asyncio.ensure_future(liar.lease.zygote())
    await asyncio.sleep(0)
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    liar.say(Frame(Op.BORN, id=2, pid=5, ref=Op.ZYGOTE), 0, 0)
    liar.say(Frame(Op.ACK, ref=Op.STAT))
    await liar.lease.stat()


async def test_a_keeper_that_does_not_answer_in_time_is_lost(liar: Liar, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exod.sandbox.lease.DEADLINE", 0.01)
    with pytest.raises(Refused, match="gone"):
        await liar.lease.stat()


async def test_a_lease_that_another_holds_is_told_apart(liar: Liar) -> None:
    with pytest.raises(Refused, match="another exod"):
        await liar.lease.take(seconds=0.01)
