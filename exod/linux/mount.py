"""The mount API by descriptors (Linux 5.2; mount_setattr 5.12): a mount is a descriptor until it is moved somewhere."""

import os
import struct

from exod.linux.descriptors import opened
from exod.linux.syscall import syscall

OPEN_TREE, MOVE_MOUNT, FSOPEN, FSCONFIG, FSMOUNT, FSPICK, MOUNT_SETATTR = 428, 429, 430, 431, 432, 433, 442

AT_FDCWD = -100
AT_EMPTY_PATH = 0x1000
AT_RECURSIVE = 0x8000
OPEN_TREE_CLONE = 1
MOVE_MOUNT_F_EMPTY_PATH = 0x04
MOVE_MOUNT_T_EMPTY_PATH = 0x40

MOUNT_ATTR_RDONLY = 0x01
MOUNT_ATTR_NOSUID = 0x02
MOUNT_ATTR_NODEV = 0x04
MOUNT_ATTR_NOEXEC = 0x08
MOUNT_ATTR_IDMAP = 0x00100000
MOUNT_ATTR_NOSYMFOLLOW = 0x00200000

MS_REC, MS_PRIVATE = 1 << 14, 1 << 18

_FSOPEN_CLOEXEC = _FSMOUNT_CLOEXEC = _FSPICK_CLOEXEC = 1
_FSPICK_EMPTY_PATH = 8
SET_FLAG, SET_STRING, CREATE, RECONFIGURE = 0, 1, 6, 7


def fsopen(fstype: str) -> int:
    return syscall(FSOPEN, fstype.encode(), _FSOPEN_CLOEXEC, what=fstype)


def fsconfig(fs: int, command: int, key: str | None = None, value: str | None = None) -> None:
    words = [None if word is None else word.encode() for word in (key, value)]
    syscall(FSCONFIG, fs, command, *words, 0, what=key or "fsconfig")


def fsmount(fs: int, attributes: int) -> int:
    return syscall(FSMOUNT, fs, _FSMOUNT_CLOEXEC, attributes, what="fsmount")


def fspick(tree: int) -> int:
    """The superblock behind a mount, to be configured again."""
    return syscall(FSPICK, tree, b"", _FSPICK_CLOEXEC | _FSPICK_EMPTY_PATH, what="fspick")


def detached(fstype: str, attributes: int, **settings: str) -> int:
    """fsopen, fsconfig, fsmount: the only mount of a superblock of its own."""
    with opened(fsopen(fstype)) as fs:
        for key, value in settings.items():
            fsconfig(fs, SET_STRING, key, value)
        fsconfig(fs, CREATE)
        return fsmount(fs, attributes)


def open_tree(directory: int, path: str, flags: int) -> int:
    return syscall(OPEN_TREE, directory, path.encode(), flags | os.O_CLOEXEC, what=path or None or "open_tree")


def move_mount(source: int, source_path: str, target: int, target_path: str) -> None:
    flags = (0 if source_path else MOVE_MOUNT_F_EMPTY_PATH) | (0 if target_path else MOVE_MOUNT_T_EMPTY_PATH)
    syscall(MOVE_MOUNT, source, source_path.encode(), target, target_path.encode(), flags, what=target_path)


def mount_setattr(tree: int, *, set_: int = 0, clear: int = 0, propagation: int = 0, users: int = 0) -> None:
    """Of the mount behind `tree` and all below it: non-recursively, submounts would stay writable."""
    attributes = struct.pack("=4Q", set_, clear, propagation, users)
    syscall(MOUNT_SETATTR, tree, b"", AT_EMPTY_PATH | AT_RECURSIVE, attributes, len(attributes), what="mount_setattr")
