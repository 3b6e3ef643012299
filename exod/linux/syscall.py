"""A system call by number → its result, or OSError with its errno; for calls that Python 3.11 does not have."""

import ctypes
import os

_MNT_DETACH = 2
_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long


def syscall(number: int, *arguments: int | bytes | ctypes.Array[ctypes.c_char] | None, what: str = "") -> int:
    """Integers travel as 64 bits: a C int would lose the upper half of flags and addresses."""
    words = [ctypes.c_long(word) if isinstance(word, int) else word for word in arguments]
    return _checked(_libc.syscall(ctypes.c_long(number), *words), what=what)


def unshare(flags: int) -> None:
    _checked(_libc.unshare(flags), what="unshare")


def setns(descriptor: int, kind: int) -> None:
    _checked(_libc.setns(descriptor, kind), what="setns")


def detach(target: str) -> None:
    """umount2 with MNT_DETACH: gone from the tree now, and for good when its last user is."""
    _checked(_libc.umount2(target.encode(), _MNT_DETACH), what=target)


def prctl(option: int, argument: int = 0) -> int:
    return _checked(_libc.prctl(option, ctypes.c_ulong(argument), 0, 0, 0), what="prctl")


def mount(source: str | None, target: str, fstype: str | None, flags: int, data: str | None = None) -> None:
    words = [None if word is None else word.encode() for word in (source, target, fstype, data)]
    _checked(_libc.mount(words[0], words[1], words[2], ctypes.c_ulong(flags), words[3]), what=target)


def _checked(result: int, *, what: str) -> int:
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error), what or None)
    return result
