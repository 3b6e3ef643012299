"""What the two ends of a link are handed: sized for the ring, closed to everybody else, sealed when it is shared."""

import fcntl
import mmap
import os

import pytest

from exod.brokers.router.memories import SEALS, Memories, sizes
from exosdk import ring


@pytest.mark.parametrize(("slots", "arena"), [(32, 4096), (256, 65536), (4096, 1 << 20)])
def test_the_sizes_are_the_rings(slots: int, arena: int) -> None:
    assert sizes(slots, arena) == ring.memories(slots, arena=arena)
    with Memories(slots, arena) as memory:
        assert (os.fstat(memory.front).st_size, os.fstat(memory.back).st_size) == sizes(slots, arena)


def test_nothing_of_it_is_exods_memory_until_an_end_writes() -> None:
    with Memories(4096, 1 << 20) as memory:
        assert os.fstat(memory.front).st_blocks == 0


def test_nobody_opens_it_anew() -> None:
    with Memories(32, 4096) as memory:
        for descriptor in (memory.front, memory.back):
            assert os.fstat(descriptor).st_mode & 0o777 == 0


def test_what_was_mapped_before_the_seal_is_written_and_nothing_else() -> None:
    with Memories(32, 4096) as memory, mmap.mmap(memory.front, 4096) as mine:
        assert memory.seal()
        mine[0] = 7
        with mmap.mmap(memory.front, 4096, prot=mmap.PROT_READ) as theirs:
            assert theirs[0] == 7
        with pytest.raises(PermissionError):
            mmap.mmap(memory.front, 4096)
        with pytest.raises(PermissionError):
            os.write(memory.front, b"x")
        with pytest.raises(PermissionError):
            os.ftruncate(memory.front, 1)
        with pytest.raises(PermissionError):
            fcntl.fcntl(memory.front, 1033, 0x0008)


@pytest.mark.parametrize("size", [0, 4096, 1 << 24])
def test_one_whose_size_was_changed_is_no_good(size: int) -> None:
    with Memories(256, 4096) as memory:
        os.ftruncate(memory.back, size)
        assert not memory.seal() or size == os.fstat(memory.back).st_size == sizes(256, 4096)[1]


def test_one_that_was_sealed_too_early_is_found() -> None:
    """With F_SEAL_SEAL alone nothing can be sealed any more: the kernel refuses, and so does the link."""
    with Memories(32, 4096) as memory:
        fcntl.fcntl(memory.front, 1033, 0x0001)
        with pytest.raises(PermissionError):
            memory.seal()


def test_all_seals_are_there() -> None:
    with Memories(32, 4096) as memory:
        assert memory.seal()
        for descriptor in (memory.front, memory.back):
            assert fcntl.fcntl(descriptor, 1034) & SEALS == SEALS


def test_nothing_is_left_open() -> None:
    before = os.listdir("/proc/self/fd")
    with Memories(32, 4096):
        pass
    assert os.listdir("/proc/self/fd") == before
