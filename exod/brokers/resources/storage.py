"""A plugin's data directory and its processes → how much of the disk it takes. What lies in it is hostile: no link is
followed, and a file without a name is found where it is held.
"""

import contextlib
import os
import stat
from collections.abc import Iterable, Iterator
from typing import Final

_FLAGS: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
ENTRY: Final = 512
"""Bytes that an entry costs beside its blocks: its name and its inode. A million empty files are not free."""
DEPTH: Final = 64
"""Directories within each other. A tree that is deeper was made to be, and counts as more than anybody may have."""
TOO_DEEP: Final = 1 << 62


def size(path: str, *, enough: int) -> int:
    """Bytes on disk below `path`, without the directory itself; once it is `enough`, nobody looks further."""
    try:
        stack = [os.open(path, _FLAGS)]
    except OSError:
        return 0  # none, or no directory: its plugin keeps nothing
    try:
        return _count(stack, enough)
    finally:
        for descriptor in stack:
            os.close(descriptor)


def _count(stack: list[int], enough: int) -> int:
    """`stack` holds the open directories from the top down; `waiting` the names in each that are still to be seen."""
    names, total = _entries(stack[0], enough)
    waiting = [names]
    while waiting and total < enough:
        if not waiting[-1]:
            waiting.pop()
            os.close(stack.pop())
            continue
        if len(stack) >= DEPTH:
            return TOO_DEEP
        try:
            stack.append(os.open(waiting[-1].pop(), _FLAGS, dir_fd=stack[-1]))
        except OSError:
            continue  # gone, or something else by now
        names, more = _entries(stack[-1], enough - total)
        waiting.append(names)
        total += more
    return total


def _entries(directory: int, enough: int) -> tuple[list[str], int]:
    """The directories in it, and what all entries cost. A file with two names is counted twice: links are rare."""
    names, total = [], 0
    with contextlib.suppress(OSError), os.scandir(directory) as found:  # a disk that fails ends nobody but itself
        for entry in found:
            try:
                status = entry.stat(follow_symlinks=False)
            except OSError:
                continue
            total += status.st_blocks * 512 + ENTRY
            if stat.S_ISDIR(status.st_mode):
                names.append(entry.name)
            if total >= enough:
                break
    return names, total


def nameless(processes: Iterable[str], *, device: int, enough: int) -> int:
    """Bytes of files on `device` that are unlinked and still open or mapped in one of `processes`, pids. A mapping
    alone keeps a file, and costs its process neither a descriptor nor the memory."""
    found: set[int] = set()
    total = 0
    for status in _held(processes):
        if status.st_dev == device and not status.st_nlink and status.st_ino not in found:
            found.add(status.st_ino)
            total += status.st_blocks * 512 + ENTRY
            if total >= enough:
                break
    return total


def _held(processes: Iterable[str]) -> Iterator[os.stat_result]:
    """Of each file; nothing is opened. What cannot be looked at is ending, or is another's by now."""
    for pid in processes:
        for kind in ("fd", "map_files"):
            with contextlib.suppress(OSError), os.scandir(f"/proc/{pid}/{kind}") as entries:
                for entry in entries:
                    with contextlib.suppress(OSError):
                        yield entry.stat()
