"""The directory of anchors, held by its descriptor: read as the daemon reads it; it only ever sees whole files.

Refuses a directory that is a link, belongs to another user or can be written by others: who writes there decides who
is trusted here.
"""

import contextlib
import os
import secrets
import stat
from collections.abc import Iterator

from exoctl import files
from exoctl.faults import failed, not_found, usage
from exod.errors import Refused

_FILE_MAX = 64 << 10
_SUFFIXES = (".toml", ".revocation", ".rotation")


@contextlib.contextmanager
def opened(path: str) -> Iterator[int]:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        hint = f"install -d -m 0755 {path}"
        raise Refused(not_found("no-trust-directory", f"cannot open {path}: {error.strerror}", hint)) from error
    try:
        found = os.fstat(fd)
        if found.st_uid not in (0, os.geteuid()) or found.st_mode & 0o022:
            sentence = f"cannot use {path}: another user owns it or may write there"
            raise Refused(usage(sentence, f"chown root {path}; chmod go-w {path}"))
        yield fd
    finally:
        os.close(fd)


def read(path: str) -> dict[str, bytes]:
    """name → bytes of every file that means something there; links and larger files are refused."""
    with opened(path) as top:
        return {name: _read(top, name) for name in sorted(os.listdir(top)) if name.endswith(_SUFFIXES)}


def _read(top: int, name: str) -> bytes:
    try:
        fd = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=top)
    except OSError as error:
        raise Refused(failed("unreadable-file", f"cannot read {name}: {error.strerror}")) from error
    with os.fdopen(fd, "rb") as stream:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise Refused(usage(f"cannot read {name}: that is not a regular file"))
        data = stream.read(_FILE_MAX + 1)
    if len(data) > _FILE_MAX:
        raise Refused(usage(f"cannot read {name}: it is larger than {_FILE_MAX} bytes"))
    return data


def add(path: str, name: str, data: bytes) -> None:
    """A new file, never over one that is there; it appears whole."""
    with opened(path) as top, _neighbour(top, name, data) as neighbour:
        try:
            os.link(neighbour, name, src_dir_fd=top, dst_dir_fd=top, follow_symlinks=False)
        except FileExistsError as error:
            hint = f"choose another name, or remove {os.path.join(path, name)}"
            raise Refused(usage(f"cannot write {name}: it exists", hint)) from error


def replace(path: str, name: str, data: bytes) -> None:
    """A file, whether or not there was one; the old or the new, never a part."""
    with opened(path) as top, _neighbour(top, name, data) as neighbour:
        os.rename(neighbour, name, src_dir_fd=top, dst_dir_fd=top)


@contextlib.contextmanager
def _neighbour(top: int, name: str, data: bytes) -> Iterator[str]:
    neighbour = f".{name}.{secrets.token_hex(4)}"
    files.create(neighbour, data, mode=0o644, dir_fd=top)
    try:
        yield neighbour
        os.fsync(top)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(neighbour, dir_fd=top)
