"""A directory that a plugin fills → how much it takes, within bounds that the plugin cannot stretch.

Counts blocks, not lengths (a sparse file costs what it holds), a file with many names once, and follows no link.
"""

import os
from dataclasses import dataclass, field

ENTRIES_MAX = 100_000
DEPTH_MAX = 64
_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class Usage:
    """`complete` is False when the tree has more entries or levels than are counted: then it is too large anyway."""

    bytes: int
    entries: int
    complete: bool


@dataclass(slots=True)
class _Count:
    bytes: int = 0
    entries: int = 0
    complete: bool = True
    seen: set[int] = field(default_factory=set)

    def add(self, status: os.stat_result) -> None:
        self.entries += 1
        if status.st_nlink > 1 and status.st_ino in self.seen:
            return
        self.seen.add(status.st_ino)
        self.bytes += status.st_blocks * 512


def measure(fd: int, *, entries_max: int = ENTRIES_MAX, depth_max: int = DEPTH_MAX) -> Usage:
    """Count what lies below `fd`, which is closed."""
    count = _Count()
    _walk(fd, count, entries_max=entries_max, depth=depth_max)
    return Usage(count.bytes, count.entries, count.complete)


def _walk(fd: int, count: _Count, *, entries_max: int, depth: int) -> None:
    """Depth is at most `depth_max`: so many frames, and so many descriptors."""
    try:
        with os.scandir(fd) as entries:
            for entry in entries:
                if count.entries >= entries_max or depth <= 0:
                    count.complete = False
                    return
                _visit(entry.name, fd, count, entries_max=entries_max, depth=depth)
    finally:
        os.close(fd)


def _visit(name: str, parent: int, count: _Count, *, entries_max: int, depth: int) -> None:
    try:
        status = os.stat(name, dir_fd=parent, follow_symlinks=False)
        count.add(status)
        fd = os.open(name, _FLAGS, dir_fd=parent)
    except OSError:  # no directory, or gone since: the plugin goes on writing while it is measured
        return
    _walk(fd, count, entries_max=entries_max, depth=depth - 1)
