"""An instance's root: exactly the verified bytes, and no way to write any more."""

import os
import stat

import pytest

from exod.linux import mount
from exod.linux.descriptors import close
from exod.sandbox import root
from exod.sandbox.sealed import Superblock, room_for, scratch

TREE = {"code/a.py": (b"one", False), "code/deep/er/b.py": (b"two" * 5000, True), "empty": (b"", False)}


def read(directory: int, path: str) -> bytes:
    file = os.open(path, os.O_RDONLY, dir_fd=directory)
    try:
        return os.read(file, 1 << 20)
    finally:
        os.close(file)


def test_the_tree_is_there_byte_for_byte_and_readable_to_all() -> None:
    made, targets = root.build(TREE, places={"/proc/stat": False, "/srv/tree": True})
    try:
        for path, (data, _) in TREE.items():
            assert read(made, f"plugin/{path}") == data
            assert os.stat(f"plugin/{path}", dir_fd=made).st_mode & 0o7777 == 0o444
        assert os.stat("plugin/code/deep", dir_fd=made).st_mode & 0o7777 == 0o755
        for target, path, is_kind in zip(targets, ("proc/stat", "srv/tree"), (stat.S_ISREG, stat.S_ISDIR), strict=True):
            assert os.fstat(target).st_ino == os.stat(path, dir_fd=made).st_ino
            assert is_kind(os.fstat(target).st_mode)
    finally:
        close([made, *targets])


def test_state_has_a_place_only_where_there_is_state() -> None:
    for state in (False, True):
        made, _ = root.build({}, places={}, state=state)
        try:
            assert ("state" in os.listdir(os.open(f"/proc/self/fd/{made}", os.O_RDONLY))) is state
        finally:
            os.close(made)


def test_the_superblock_is_read_only_for_every_mount_of_it() -> None:
    made, _ = root.build(TREE, places={})
    again = mount.open_tree(made, "", mount.OPEN_TREE_CLONE | mount.AT_EMPTY_PATH)
    try:
        mount.mount_setattr(again, clear=mount.MOUNT_ATTR_RDONLY)
        for tree in (made, again):
            for path, flags in (("plugin/code/a.py", os.O_WRONLY), ("plugin/new", os.O_WRONLY | os.O_CREAT)):
                with pytest.raises(OSError, match="Read-only"):
                    os.open(path, flags, dir_fd=tree)
    finally:
        close([made, again])


def test_a_failure_on_the_way_leaves_no_descriptor() -> None:
    before = os.listdir("/proc/self/fd")
    with pytest.raises(OSError, match="exists"):
        root.build(TREE, places={"/etc/x": False, "/etc/x/y": False})
    assert os.listdir("/proc/self/fd") == before


def test_the_size_covers_what_is_written_and_little_more() -> None:
    block = Superblock(size=room_for([100_000] * 20), attributes=0)
    try:
        for number in range(20):
            block.write(f"file{number}", bytes(100_000))
        with pytest.raises(OSError, match="No space"):
            block.write("more", bytes(10 << 20))
    finally:
        block.close()
        block.close()


def test_tmp_belongs_to_the_instance_alone() -> None:
    tree = scratch(size=1 << 20, uid=4711)
    try:
        found = os.fstat(tree)
        assert (found.st_uid, found.st_gid, found.st_mode & 0o7777) == (4711, 4711, 0o700)
    finally:
        os.close(tree)
