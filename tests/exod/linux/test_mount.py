"""Mounts by descriptor, as the kernel does them."""

import os
from pathlib import Path

import pytest

from exod.linux import mount
from exod.linux.syscall import mount as mount_
from exod.linux.syscall import unshare


def new_tmpfs(attributes: int = 0, **options: str) -> int:
    fs = mount.fsopen("tmpfs")
    try:
        for key, value in options.items():
            mount.fsconfig(fs, mount.SET_STRING, key, value)
        mount.fsconfig(fs, mount.CREATE)
        return mount.fsmount(fs, attributes)
    finally:
        os.close(fs)


def test_a_detached_tmpfs_is_a_directory_of_its_own() -> None:
    tree = new_tmpfs(mode="0711")
    try:
        assert os.fstat(tree).st_mode & 0o777 == 0o711
        assert os.stat("..", dir_fd=tree).st_ino == os.fstat(tree).st_ino
    finally:
        os.close(tree)


def test_an_unknown_file_system_or_option_is_the_kernels_error() -> None:
    with pytest.raises(OSError, match="nosuchfs"):
        mount.fsopen("nosuchfs")
    with pytest.raises(OSError, match="nonsense"):
        new_tmpfs(nonsense="1")


def test_a_flag_and_a_reconfiguration_reach_the_superblock() -> None:
    fs = mount.fsopen("tmpfs")
    mount.fsconfig(fs, mount.CREATE)
    tree = mount.fsmount(fs, 0)
    os.mkdir("a", dir_fd=tree)
    mount.fsconfig(fs, mount.SET_FLAG, "ro")
    mount.fsconfig(fs, mount.RECONFIGURE)
    with pytest.raises(OSError, match="Read-only"):
        os.mkdir("b", dir_fd=tree)
    os.close(tree)
    os.close(fs)


def test_one_mount_is_read_only_and_another_of_the_same_tree_is_not(tmp_path: Path) -> None:
    tree = mount.open_tree(mount.AT_FDCWD, str(tmp_path), mount.OPEN_TREE_CLONE)
    mount.mount_setattr(tree, set_=mount.MOUNT_ATTR_RDONLY, propagation=mount.MS_PRIVATE)
    with pytest.raises(OSError, match="Read-only"):
        os.mkdir("a", dir_fd=tree)
    mount.mount_setattr(tree, clear=mount.MOUNT_ATTR_RDONLY)
    os.mkdir("a", dir_fd=tree)
    assert (tmp_path / "a").is_dir()
    os.close(tree)


def test_a_mount_is_moved_to_a_path_or_a_descriptor(tmp_path: Path) -> None:
    pid = os.fork()
    if pid == 0:
        try:
            unshare(0x00020000)
            mount_(None, "/", None, mount.MS_REC | mount.MS_PRIVATE)
            for name in ("one", "two"):
                (tmp_path / name).mkdir()
            first, second = new_tmpfs(), new_tmpfs()
            os.mkdir("here", dir_fd=first)
            os.mkdir("there", dir_fd=second)
            mount.move_mount(first, "", mount.AT_FDCWD, str(tmp_path / "one"))
            target = os.open(tmp_path / "two", os.O_PATH)
            mount.move_mount(second, "", target, "")
            os._exit(0 if os.listdir(tmp_path / "one") == ["here"] and os.listdir(tmp_path / "two") == ["there"] else 1)
        except BaseException:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert os.listdir(tmp_path / "one") == []
