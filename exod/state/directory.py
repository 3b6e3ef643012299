"""A directory held open: names below it → bytes, replaced and moved so that a crash leaves the old or the new, whole.

Refuses a directory, parent or file that others may write or that root does not own, and every link (THREATS 8).
All system calls that change small files are in this file, so that a test can cut the power between any two of them.
"""

import os
import stat
from pathlib import Path
from typing import Self

from exod.errors import Refusal, Refused
from exod.linux.descriptors import opened

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# O_NONBLOCK: a FIFO planted under an expected name must not hang the opener.
_FILE = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW = ".new"


class Descriptor:
    """Owns `fd`; closing twice is fine."""

    def __init__(self, fd: int) -> None:
        self.fd = fd

    def close(self) -> None:
        fd, self.fd = self.fd, -1
        if fd >= 0:
            os.close(fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Directory(Descriptor):
    """Every name given to a method is one path component. `path` is for people only, never reopened."""

    def __init__(self, fd: int, path: str) -> None:
        super().__init__(fd)
        self.path = path
        self._durable: set[str] = set()

    @classmethod
    def open(cls, path: Path, *, make: bool = False) -> "Directory":
        """Open `path` component by component from `/`, judging each; `make` creates the last one, 0700."""
        names = path.absolute().parts[1:]
        here = cls(os.open("/", _DIRECTORY), "/")
        for depth, name in enumerate(names, start=1):
            last = depth == len(names)
            with here:
                here = here._open_child(name, make=make and last, parent=not last)
        return here

    def child(self, name: str, *, make: bool = False) -> "Directory":
        """The directory `name` in this one, both judged; made durable first, 0700, when `make` and it is missing."""
        self.judge()
        return self._open_child(name, make=make, parent=False)

    def _open_child(self, name: str, *, make: bool, parent: bool) -> "Directory":
        path = os.path.join(self.path, _component(name))
        if make:
            self._make(name)
        try:
            fd = os.open(name, _DIRECTORY, dir_fd=self.fd)
        except NotADirectoryError as error:  # also what a link gives: O_DIRECTORY is looked at before O_NOFOLLOW
            raise Refused(insecure(path, "is a link or no directory")) from error
        below = Directory(fd, path)
        try:
            below.judge(parent=parent)
        except BaseException:
            below.close()
            raise
        return below

    def _make(self, name: str) -> None:
        try:
            os.mkdir(name, 0o700, dir_fd=self.fd)
        except FileExistsError:
            if name in self._durable:
                return
        # Once also when it exists: whoever made it may have died before this.
        self.sync()
        self._durable.add(name)

    def judge(self, *, parent: bool = False) -> None:
        """Raise Refused unless root owns this directory and nobody else may write it.

        A parent may be sticky (/tmp): what root owns in it, others cannot rename or replace. ACLs need no look of
        their own: a write entry shows in the group bits, which hold the ACL's mask.
        """
        status = os.fstat(self.fd)
        if parent and status.st_mode & stat.S_ISVTX and status.st_uid == 0:
            return
        judge(status, self.path)

    def read(self, name: str, *, limit: int) -> bytes | None:
        """The bytes of the regular file `name`, or None when there is none."""
        path = os.path.join(self.path, _component(name))
        try:
            fd = self.open_file(name, os.O_RDONLY)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise Refused(insecure(path, f"cannot be opened as a file ({error.strerror})")) from error
        with open(fd, "rb") as file:
            size = os.fstat(fd).st_size
            if size > limit:
                sentence = f"cannot read {path}: larger than {limit} bytes"
                raise Refused(Refusal("file-too-large", sentence, evidence={"path": path}))
            return file.read(size)

    def open_file(self, name: str, flags: int) -> int:
        """A descriptor of the file `name`, made 0600 and durable where `flags` say so; both judged. The caller's."""
        self.judge()
        fd = os.open(_component(name), flags | _FILE, 0o600, dir_fd=self.fd)
        try:
            judge_file(os.fstat(fd), os.path.join(self.path, name))
        except BaseException:
            os.close(fd)
            raise
        if flags & os.O_CREAT:
            self.sync()
        return fd

    def replace(self, name: str, data: bytes) -> None:
        """Make `data` the content of `name`, 0600, durable on return: temp, fsync, rename, fsync of the directory."""
        self.judge()
        temporary = f".{_component(name)}{_NEW}"
        self._unlink(temporary)
        fd = os.open(temporary, _CREATE, 0o600, dir_fd=self.fd)
        try:
            with opened(fd):
                write_all(fd, data)
                os.fsync(fd)
            os.rename(temporary, name, src_dir_fd=self.fd, dst_dir_fd=self.fd)
        except OSError:
            self._unlink(temporary)
            raise
        self.sync()

    def move(self, name: str, *, to: "Directory", name_there: str) -> bool:
        """Move an entry, durable on return, replacing a file of that name; False when there is nothing to move."""
        self.judge()
        to.judge()
        try:
            os.rename(_component(name), _component(name_there), src_dir_fd=self.fd, dst_dir_fd=to.fd)
        except FileNotFoundError:
            return False
        to.sync()
        self.sync()
        return True

    def remove(self, name: str) -> None:
        """Unlink the file `name`, durable on return; nothing when there is none."""
        self.judge()
        if self._unlink(_component(name)):
            self.sync()

    def remove_empty(self, name: str) -> None:
        """Remove the directory `name` if it is there and empty."""
        self._durable.discard(name)
        try:
            os.rmdir(_component(name), dir_fd=self.fd)
        except OSError:  # not empty, or not there: both are what the caller can live with
            return
        self.sync()

    def has(self, name: str) -> bool:
        try:
            os.stat(_component(name), dir_fd=self.fd, follow_symlinks=False)
        except FileNotFoundError:
            return False
        return True

    def names(self) -> list[str]:
        """What lies here, sorted, without names that begin with a dot."""
        return sorted(name for name in os.listdir(self.fd) if not name.startswith("."))

    def sweep(self) -> None:
        """Remove what an interrupted `replace` left."""
        for name in os.listdir(self.fd):
            if name.startswith(".") and name.endswith(_NEW):
                self._unlink(name)

    def sync(self) -> None:
        os.fsync(self.fd)

    def _unlink(self, name: str) -> bool:
        try:
            os.unlink(name, dir_fd=self.fd)
        except FileNotFoundError:
            return False
        return True


def judge(status: os.stat_result, path: str) -> None:
    """Raise Refused unless root owns what `status` describes and nobody else may write it."""
    if status.st_uid != 0:
        raise Refused(insecure(path, f"owned by uid {status.st_uid}, not by root", hint=f"chown root: {path}"))
    if status.st_mode & 0o022:
        mode = stat.S_IMODE(status.st_mode)
        raise Refused(insecure(path, f"others may write it (mode {mode:04o})", hint=f"chmod go-w {path}"))


def judge_file(status: os.stat_result, path: str) -> None:
    """As `judge`; what is no regular file is refused as well."""
    if not stat.S_ISREG(status.st_mode):
        raise Refused(insecure(path, "is no regular file"))
    judge(status, path)


def insecure(path: str, reason: str, *, hint: str = "") -> Refusal:
    return Refusal("store-insecure", f"cannot use {path}: {reason}", hint or f"ls -ld {path}", {"path": path})


def write_all(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def _component(name: str) -> str:
    if not name or "/" in name or "\0" in name or name in (".", ".."):
        raise ValueError(f"internal error: {name!r} is no file name")
    return name
