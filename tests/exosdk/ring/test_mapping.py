"""The two memories themselves: who pays for their pages, and what a peer can still do to one that it handed over."""

import mmap
import os
import struct
from collections.abc import Callable, Iterator

import pytest

from exosdk import ring
from tests.exosdk.ring import rig, traffic
from tests.exosdk.ring.rig import FEW

SIZES = ring.memories(FEW, arena=64 << 10)
RACES = 200


@pytest.fixture
def fds() -> Iterator[list[int]]:
    fds = [rig.memory(size) for size in SIZES]
    yield fds
    for fd in fds:
        os.close(fd)


def end_of(fds: list[int], which: int) -> ring.Producer | ring.Consumer:
    return (ring.Producer, ring.Consumer)[which](fds[which], slots=FEW, arena=64 << 10)


@pytest.mark.parametrize("which", [0, 1], ids=["producer", "consumer"])
def test_whoever_writes_a_memory_makes_all_of_its_pages_at_once(fds: list[int], which: int) -> None:
    """They are charged to the group of whoever makes them, and nobody else has had it yet."""
    assert os.stat(fds[which]).st_blocks == 0
    end_of(fds, which).close()
    assert os.stat(fds[which]).st_blocks * 512 >= SIZES[which]


@pytest.mark.parametrize("page", [0, 1, -1], ids=["first", "second", "last"])
def test_a_memory_with_a_page_missing_is_refused(fds: list[int], page: int) -> None:
    """Whoever reads it first would pay for it."""
    consumer = end_of(fds, 1)
    end_of(fds, 0).close()
    with mmap.mmap(fds[0], SIZES[0]) as front:
        front.madvise(mmap.MADV_REMOVE, page * ring.PAGE % SIZES[0], ring.PAGE)
    rig.seal(fds[0])
    with pytest.raises(ValueError, match="pages of its memory are missing"):
        consumer.attach(fds[0])
    consumer.close()


TRICKS: dict[str, Callable[[int, mmap.mmap], object]] = {
    "map it for writing": lambda fd, _: mmap.mmap(fd, SIZES[0]),
    "write": lambda fd, _: os.pwrite(fd, b"x", 0),
    "cut it": lambda fd, _: os.ftruncate(fd, 0),
    "lengthen it": lambda fd, _: os.ftruncate(fd, SIZES[0] + 1),
    "lengthen it by writing": lambda fd, _: os.pwrite(fd, b"x", SIZES[0]),
    "seal it against its owner": lambda fd, _: rig.seal(fd, 0x8),
    "take a page out": lambda _, owned: owned.madvise(mmap.MADV_REMOVE, 0, ring.PAGE),
}


@pytest.mark.parametrize("again", ["the descriptor", "reopened through /proc"])
@pytest.mark.parametrize("trick", TRICKS)
def test_a_memory_that_was_sealed_is_nobodys_to_change(fds: list[int], trick: str, again: str) -> None:
    """The mode of a memfd lets everybody reopen it for writing; even its owner keeps no more than its mapping."""
    end_of(fds, 0).close()
    owned = mmap.mmap(fds[0], SIZES[0])
    rig.seal(fds[0])
    fd = os.dup(fds[0]) if again == "the descriptor" else os.open(f"/proc/self/fd/{fds[0]}", os.O_RDWR)
    with pytest.raises(PermissionError):
        TRICKS[trick](fd, owned)
    owned[:1] = b"y"
    os.close(fd)
    owned.close()


def test_a_memory_that_is_cut_while_it_is_looked_at_is_refused_and_kills_nobody() -> None:
    """Every second is cut before it is sealed: to ask for the size before the seals would kill the reader."""
    with mmap.mmap(-1, mmap.PAGESIZE) as turn:
        fds = [rig.memory(SIZES[0]) for _ in range(RACES)]
        for fd in fds:
            os.posix_fallocate(fd, 0, SIZES[0])
        mine = os.getpid()
        pid = traffic.forked(lambda: cut(fds, turn, mine))
        told = [attached(fd, turn, number) for number, fd in enumerate(fds, 1)]
        assert os.waitpid(pid, 0)[1] == 0
    for fd in fds:
        os.close(fd)
    assert told == ["cannot map the ring: its memory has another size", "empty"] * (RACES // 2)


def cut(fds: list[int], turn: mmap.mmap, parent: int) -> None:
    for number, fd in enumerate(fds, 1):
        while struct.unpack("<Q", turn[:8])[0] < number and os.getppid() == parent:
            os.sched_yield()
        if number % 2:
            os.ftruncate(fd, ring.PAGE)
        rig.seal(fd)
    os._exit(0)


def attached(fd: int, turn: mmap.mmap, number: int) -> str:
    """What is read first lies behind what is left of a memory that was cut."""
    told = "not sealed"
    back = rig.memory(SIZES[1])
    consumer = end_of([-1, back], 1)
    os.close(back)
    turn[:8] = struct.pack("<Q", number)
    while "not sealed" in told:
        try:
            consumer.attach(fd)
            told = "empty" if consumer.pop() is None else "there is something in it"
        except ValueError as refused:
            told = str(refused)
    consumer.close()
    return told
