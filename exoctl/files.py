"""Files that the command line reads and writes: whole, size-capped, and never half written.

A secret is made new, 0600, never over something that is there and never through a link.
"""

import os
import secrets
import stat

from exoctl.faults import failed, not_found, usage
from exod.errors import Refused

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def read(path: str, *, verb: str, limit: int) -> bytes:
    """A regular file of at most `limit` bytes."""
    fd = _open(path, verb=verb, flags=0)
    return _read(fd, path, verb=verb, limit=limit)


def read_secret(path: str, *, verb: str, limit: int) -> bytes:
    """The same, but no link, ours alone: a key that others may read or replace is no key."""
    fd = _open(path, verb=verb, flags=os.O_NOFOLLOW)
    found = os.fstat(fd)
    if found.st_uid not in (os.geteuid(), 0) or found.st_mode & 0o077:
        os.close(fd)
        raise Refused(usage(f"cannot {verb} {path}: others own it or may read it", f"chmod 600 {path}"))
    return _read(fd, path, verb=verb, limit=limit)


def _open(path: str, *, verb: str, flags: int) -> int:
    try:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY | flags)
    except FileNotFoundError as error:
        raise Refused(not_found("no-such-file", f"cannot {verb} {path}: there is no such file")) from error
    except OSError as error:
        raise Refused(failed("unreadable-file", f"cannot {verb} {path}: {error.strerror}")) from error


def _read(fd: int, path: str, *, verb: str, limit: int) -> bytes:
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise Refused(usage(f"cannot {verb} {path}: that is not a regular file"))
    with os.fdopen(fd, "rb") as stream:
        data = stream.read(limit + 1)
    if len(data) > limit:
        raise Refused(usage(f"cannot {verb} {path}: it is larger than {limit} bytes"))
    return data


def create(path: str, data: bytes, *, mode: int, dir_fd: int | None = None) -> None:
    """A file that was not there before, durable with its name."""
    try:
        fd = os.open(path, _NEW, mode, dir_fd=dir_fd)
    except FileExistsError as error:
        raise Refused(usage(f"cannot write {path}: it exists", "choose another name")) from error
    except OSError as error:
        raise Refused(failed("unwritable-file", f"cannot write {path}: {error.strerror}")) from error
    try:
        with os.fdopen(fd, "wb") as stream:
            os.fchmod(fd, mode)
            stream.write(data)
            stream.flush()
            os.fsync(fd)
    except OSError as error:
        os.unlink(path, dir_fd=dir_fd)
        raise Refused(failed("unwritable-file", f"cannot write {path}: {error.strerror}")) from error


def replace(path: str, data: bytes, *, mode: int = 0o644) -> None:
    """The whole file or the old one: a neighbour is written, made durable, and renamed over it."""
    neighbour = f"{path}.{secrets.token_hex(4)}.new"
    create(neighbour, data, mode=mode)
    try:
        os.rename(neighbour, path)
    except OSError as error:
        os.unlink(neighbour)
        raise Refused(failed("unwritable-file", f"cannot write {path}: {error.strerror}")) from error
