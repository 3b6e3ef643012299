"""Takes the place of `os` in modules of exod/state/ and ends the world at the n-th call that changes the disk.

Three ends: `kill` (the process dies, the kernel keeps all it was told), `cut` (the power goes: only what was synced is
left, half of everything else), and an errno (the call fails, half done if it is a write). A rename is durable on both
of its sides or on neither, as on every file system with a journal; nothing else is assumed of it. Running a scenario
with n = 1, 2, … until it is not fired any more visits every point at which it can be interrupted.
"""

import errno
import os
import shutil
import stat
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from exod.state import audit, datadirs, directory, removal, sealing, segment

MODULES = (audit, datadirs, directory, removal, sealing, segment)
CHANGES = {"open", "write", "pwrite", "fsync", "fdatasync", "ftruncate", "rename", "unlink", "mkdir", "rmdir", "chown"}
ENDS = ("kill", "cut", "ENOSPC", "EIO")


class Ended(BaseException):
    """The process is gone: no `except Exception` and no `except OSError` may see it."""


class Disk:
    """`os`, with calls counted. `fired` says whether the end came."""

    def __init__(self, root: Path, *, at: int, end: str) -> None:
        self.root = root
        self.at = at
        self.end = end
        self.count = 0
        self.fired = False
        self.dead = False
        self._content: dict[int, bytes] = {}
        self._entries: dict[int, dict[str, int]] = {}
        self._pins: dict[int, int] = {}
        self._renamed: list[tuple[int, int, str, str, int]] = []
        self._remember(root)

    def __getattr__(self, name: str) -> Any:
        real = getattr(os, name)
        return self._counted(name, real) if name in CHANGES else real

    def __enter__(self) -> "Disk":
        return self

    def __exit__(self, *_: object) -> None:
        for pin in self._pins.values():
            os.close(pin)

    def _counted(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            if name == "open" and not (len(arguments) > 1 and arguments[1] & os.O_CREAT):
                return real(*arguments, **named)
            if self.dead:
                raise Ended
            self.count += 1
            if self.count == self.at:
                self._finish(name, arguments)
            result = real(*arguments, **named)
            if name in ("fsync", "fdatasync"):
                self._synced(arguments[0])
            elif name == "open":
                self._pin(result)
            elif name == "rename":
                self._note_rename(*arguments, **named)
            return result

        return call

    def _finish(self, name: str, arguments: tuple[Any, ...]) -> None:
        self.fired = True
        if name == "write":
            os.write(arguments[0], bytes(arguments[1])[: len(arguments[1]) // 2])
        if self.end in ("kill", "cut"):
            self.dead = True
            raise Ended
        raise OSError(getattr(errno, self.end), os.strerror(getattr(errno, self.end)))

    def _remember(self, place: Path) -> None:
        """Everything below `place` as if it had been synced."""
        for path in [place, *place.rglob("*")]:
            if not path.is_symlink():
                fd = os.open(path, os.O_RDONLY)
                self._synced(fd)
                os.close(fd)

    def _pin(self, fd: int) -> int:
        # An inode's number must not be given to another file while the old one may still come back.
        inode = os.fstat(fd).st_ino
        if inode not in self._pins:
            self._pins[inode] = os.open(f"/proc/self/fd/{fd}", os.O_PATH)
        return inode

    def _synced(self, fd: int) -> None:
        inode = self._pin(fd)
        if stat.S_ISDIR(os.fstat(fd).st_mode):
            with os.scandir(fd) as entries:
                self._entries[inode] = {entry.name: self._pin_entry(entry.name, fd) for entry in entries}
            self._complete_renames(inode)
        else:
            self._content[inode] = Path(f"/proc/self/fd/{fd}").read_bytes()

    def _note_rename(self, old: str, new: str, *, src_dir_fd: int, dst_dir_fd: int) -> None:
        source, target = self._pin(src_dir_fd), self._pin(dst_dir_fd)
        if source != target:
            self._renamed.append((source, target, old, new, self._pin_entry(new, dst_dir_fd)))

    def _complete_renames(self, synced: int) -> None:
        for source, target, old, new, moved in self._renamed:
            if synced == source:
                self._entries.setdefault(target, {})[new] = moved
            elif synced == target and self._entries.get(source, {}).get(old) == moved:
                del self._entries[source][old]
        self._renamed = [row for row in self._renamed if synced not in row[:2]]

    def _pin_entry(self, name: str, fd: int) -> int:
        entry = os.open(name, os.O_PATH | os.O_NOFOLLOW, dir_fd=fd)
        inode = self._pin(entry)
        os.close(entry)
        return inode

    def lose_power(self) -> None:
        """Put on the disk what a power cut may leave of it."""
        fresh = self.root.with_name(self.root.name + ".after")
        fresh.mkdir(mode=0o700)
        self._rebuild(os.stat(self.root).st_ino, fresh)
        shutil.rmtree(self.root)
        fresh.rename(self.root)

    def _rebuild(self, inode: int, place: Path) -> None:
        for name, child in self._entries.get(inode, {}).items():
            status = os.fstat(self._pins[child])
            if stat.S_ISDIR(status.st_mode):
                (place / name).mkdir()
                self._rebuild(child, place / name)
            else:
                (place / name).write_bytes(self._content.get(child, b"\0half"))
            os.chmod(place / name, stat.S_IMODE(status.st_mode))
            os.chown(place / name, status.st_uid, status.st_gid)


def copy(base: Path, root: Path) -> None:
    """A copy with its owners, which shutil leaves out."""
    shutil.copytree(base, root, symlinks=True)
    for path in [base, *base.rglob("*")]:
        status = path.lstat()
        os.chown(root / path.relative_to(base), status.st_uid, status.st_gid, follow_symlinks=False)


def points(base: Path, *, end: str) -> Iterator[Disk]:
    """A Disk for n = 1, 2, …, each over a fresh copy of `base` at `disk.root`; ends when one was not fired."""
    for at in count(1):
        # What is lost is decided here, not by a device: in memory a sync costs nothing.
        with tempfile.TemporaryDirectory(dir="/dev/shm", prefix="exod-powercut-") as place:
            copy(base, Path(place, "lib"))
            with Disk(Path(place, "lib"), at=at, end=end) as disk:
                yield disk
        if not disk.fired:
            return


async def run(scenario: Callable[[Path], Awaitable[None]], disk: Disk) -> bool:
    """Run to the end of the world or of the scenario, then lose what a cut loses; whether the scenario completed.

    The scenario closes what it opened, by itself: closing changes nothing on the disk, so that it works after the end.
    """
    completed = False
    with pytest.MonkeyPatch.context() as patch:
        for module in MODULES:
            patch.setattr(module, "os", disk)
        try:
            await scenario(disk.root)
            completed = True
        except (Ended, OSError):
            if not disk.fired:
                raise
    if disk.end == "cut":
        disk.lose_power()  # also after the last call: what has come back must be durable
    return completed
