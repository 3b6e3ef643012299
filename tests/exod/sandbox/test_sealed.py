"""A superblock under construction, and sealed."""

import os
import stat

import pytest

from exod.linux import mount
from exod.sandbox.sealed import QUIET, Superblock, room_for, scratch


def test_directories_are_made_on_the_way_whatever_the_umask() -> None:
    mask = os.umask(0o077)
    block = Superblock(size=room_for([1]), attributes=QUIET)
    try:
        block.write("a/b/c", b"x", mode=0o555, time=1_000_000_000_000)
        block.directory("a/b")
        found = os.stat("a/b/c", dir_fd=block.mount)
        assert (stat.S_IMODE(found.st_mode), found.st_mtime) == (0o555, 1000.0)
        assert stat.S_IMODE(os.stat("a/b", dir_fd=block.mount).st_mode) == 0o755
    finally:
        block.close()
        os.umask(mask)


def test_a_sealed_superblock_is_the_callers_and_cannot_be_written() -> None:
    block = Superblock(size=room_for([1]), attributes=QUIET)
    block.write("a", b"x")
    tree = block.seal()
    assert block.mount == -1
    with pytest.raises(OSError, match="Read-only"):
        os.mkdir("b", dir_fd=tree)
    os.close(tree)


def test_nothing_is_written_twice_or_through_a_link() -> None:
    block = Superblock(size=room_for([1, 1]), attributes=QUIET)
    try:
        os.symlink("/etc/passwd", "link", dir_fd=block.mount)
        block.write("a", b"x")
        for path in ("a", "link"):
            with pytest.raises(FileExistsError):
                block.write(path, b"y")
    finally:
        block.close()


def test_a_mount_that_cannot_be_made_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    before = os.listdir("/proc/self/fd")

    def fail(*_: object) -> int:
        raise PermissionError

    monkeypatch.setattr(mount, "fsmount", fail)
    with pytest.raises(PermissionError):
        Superblock(size=1 << 20, attributes=0)
    assert os.listdir("/proc/self/fd") == before


def fill(tree: int) -> None:
    for number in range(100):
        os.close(os.open(f"f{number}", os.O_CREAT | os.O_WRONLY, dir_fd=tree))


def test_scratch_space_has_an_end_in_bytes_and_in_files() -> None:
    tree = scratch(size=64 << 10, uid=0)
    try:
        with pytest.raises(OSError, match="No space"):
            fill(tree)
    finally:
        os.close(tree)
