"""A zygote from exod's side, against one that has been taken over: what it hands over is checked, not believed."""

import asyncio
import os
import signal
import socket
import struct
from collections.abc import AsyncIterator

import pytest

from exod.errors import Refused
from exod.linux import netns
from exod.sandbox import frames
from exod.sandbox.generation import Zygote


class Taken:
    """The zygote's end, played by the test; its process is a child that only waits."""

    def __init__(self) -> None:
        ours, self.end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.pid = os.fork()
        if self.pid == 0:
            os.closerange(3, 256)
            signal.pause()
        self.zygote = Zygote(pid=self.pid, channel=ours.detach(), descriptor=os.pidfd_open(self.pid))
        self.zygote._answers.clear()

    def say(self, *fds: int, error: int = 0, id_: int = 0, pid: int = 0) -> None:
        frames.send(self.end, struct.pack("<IiQiI", frames.REQUEST_MAGIC, error, id_, pid, 0), fds)


def reap(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


@pytest.fixture
async def taken() -> AsyncIterator[Taken]:
    before = set(os.listdir("/proc/self/fd"))
    taken = Taken()
    yield taken
    taken.zygote.close()
    taken.zygote.close()
    taken.end.close()
    reap(taken.pid)
    await asyncio.sleep(0)
    assert set(os.listdir("/proc/self/fd")) == before


async def test_a_fork_that_failed_has_the_zygotes_errno(taken: Taken) -> None:
    taken.say(error=11, id_=7)
    with pytest.raises(OSError, match="temporarily"):
        await taken.zygote.fork(7, b"request", [])


@pytest.mark.parametrize("fds", [(), (0, 0)])
async def test_an_answer_without_just_the_pidfd_ends_the_generation(taken: Taken, fds: tuple[int, ...]) -> None:
    taken.say(*fds, id_=7, pid=1)
    with pytest.raises(Refused, match="speak"):
        await taken.zygote.fork(7, b"request", [])
    assert not taken.zygote.alive


async def test_what_comes_with_an_error_is_closed_and_the_generation_goes_on(taken: Taken) -> None:
    taken.say(0, error=11)
    with pytest.raises(OSError, match="network"):
        await taken.zygote.network()
    assert taken.zygote.alive


async def test_an_answer_to_another_request_ends_the_generation(taken: Taken) -> None:
    taken.say(0, id_=8, pid=1)
    with pytest.raises(Refused, match="speak"):
        await taken.zygote.fork(7, b"request", [])
    assert not taken.zygote.alive


async def test_what_is_no_answer_ends_the_generation(taken: Taken) -> None:
    taken.end.send(b"?")
    with pytest.raises(Refused, match="speak"):
        await taken.zygote.fork(7, b"request", [])


async def test_an_answer_nobody_waits_for_ends_the_generation(taken: Taken) -> None:
    taken.say(0)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not taken.zygote.alive


def one_that_ended() -> int:
    """Its pidfd."""
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    descriptor = os.pidfd_open(pid)
    os.waitpid(pid, 0)
    return descriptor


async def test_an_instance_that_ended_has_loaded_nothing(taken: Taken) -> None:
    ended = one_that_ended()
    with pytest.raises(Refused, match="its instance ended"):
        await taken.zygote.loaded(os.getpid(), ended)  # its number is another's by now
    os.close(ended)


async def test_whoever_says_that_all_is_loaded_carries_nothing_else(taken: Taken) -> None:
    descriptor = os.pidfd_open(os.getpid())
    taken.say(0)
    with pytest.raises(Refused, match="speak"):
        await taken.zygote.loaded(os.getpid(), descriptor)
    os.close(descriptor)
    assert not taken.zygote.alive


async def test_a_network_of_the_host_is_not_taken(taken: Taken) -> None:
    host = os.open("/proc/self/ns/net", os.O_RDONLY)
    taken.zygote.users = 1
    taken.say(host)
    with pytest.raises(Refused, match="no new network"):
        await taken.zygote.network()
    os.close(host)


async def test_a_plain_file_is_no_network(taken: Taken) -> None:
    taken.say(0)
    with pytest.raises(Refused, match="no new network"):
        await taken.zygote.network()


async def test_one_network_twice_is_not_taken(taken: Taken, monkeypatch: pytest.MonkeyPatch) -> None:
    host = os.open("/proc/self/ns/net", os.O_RDONLY)
    taken.zygote.users = netns.owner(host)
    taken.zygote._networks.append(os.dup(host))
    taken.say(host)
    with pytest.raises(Refused, match="no new network"):
        await taken.zygote._network()
    os.close(host)


async def test_a_zygote_that_does_not_answer_in_time_is_lost(taken: Taken, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exod.sandbox.generation.DEADLINE", 0.01)
    with pytest.raises(Refused, match="does not answer"):
        await taken.zygote.fork(7, b"request", [])
    taken.say(0, id_=7)
    await asyncio.sleep(0)


async def test_a_hang_up_fails_what_was_asked(taken: Taken) -> None:
    asked = asyncio.ensure_future(taken.zygote.fork(7, b"request", []))
    await asyncio.sleep(0)
    taken.end.shutdown(socket.SHUT_RDWR)
    with pytest.raises(Refused, match="it ended"):
        await asked
    with pytest.raises(Refused, match="it ended"):
        await taken.zygote.fork(8, b"request", [])
