"""A tree that a plugin built → nothing, in constant memory and descriptors, however deep or odd it is.

Never follows a link and never recurses: each directory's subdirectories are moved up beside it and emptied in turn, so
that a crash at any moment leaves only more of the same to remove.
"""

import contextlib
import os

from exod.linux.descriptors import opened

_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def remove_tree(name: str, *, within: int) -> None:
    """Remove the entry `name` of the directory descriptor `within`, whatever it is; nothing when it is not there.

    `within` must be a directory that only the caller changes, and may receive other entries on the way.
    """
    pending = [name]
    while pending:
        here = pending.pop()
        try:
            fd = os.open(here, _FLAGS, dir_fd=within)
        except FileNotFoundError:
            continue
        except OSError:  # a link or no directory
            _unlink(here, within)
            continue
        with opened(fd):
            pending += _empty(fd, within=within, prefix=name)
        with contextlib.suppress(FileNotFoundError):
            os.rmdir(here, dir_fd=within)


def _empty(fd: int, *, within: int, prefix: str) -> list[str]:
    """Unlink the files of `fd`, move its directories into `within`, and return their names there."""
    moved = []
    with os.scandir(fd) as entries:
        found = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
    for entry, is_directory in found:
        if is_directory:
            moved.append(_move_up(entry, fd, within=within, prefix=prefix))
        else:
            _unlink(entry, fd)
    return moved


def _move_up(entry: str, fd: int, *, within: int, prefix: str) -> str:
    # The inode's number is unique while the directory exists, and needs no counter to survive a crash.
    status = os.stat(entry, dir_fd=fd, follow_symlinks=False)
    there = f"{prefix}~{status.st_ino}"[-255:]
    os.rename(entry, there, src_dir_fd=fd, dst_dir_fd=within)
    return there


def _unlink(name: str, fd: int) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(name, dir_fd=fd)
