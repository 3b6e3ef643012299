"""Paths that a Confinement grants → detached read-only mounts of exactly those files, or a refusal.

Refuses, whatever was granted, the host's own state and everything below /proc and /sys but a closed list; links
anywhere on the path; anything that is not a regular file; files that another file system may change under us.
"""

import errno
import os
import stat
from collections.abc import Iterable

from exod.errors import Refusal, Refused
from exod.linux import mount, procfs
from exod.linux.descriptors import close, opened
from exod.linux.openat2 import RESOLVE_NO_MAGICLINKS, RESOLVE_NO_SYMLINKS, openat2
from exod.sandbox.frames import FILES_MAX
from exod.sandbox.sealed import INERT, PLAIN

# /proc/net is self/net of whoever opens it, and exod opens: pid 1's says what is meant, the host's counters.
PROC_FILES = frozenset(
    "/proc/stat /proc/meminfo /proc/loadavg /proc/uptime /proc/pressure/cpu /proc/pressure/memory /proc/pressure/io"
    " /proc/1/net/dev".split()
)
FORBIDDEN = ("/proc", "/sys", "/dev", "/run", "/boot", "/etc/exod", "/var/lib/exod", "/etc/shadow", "/etc/gshadow")
READ_ONLY = PLAIN | mount.MOUNT_ATTR_RDONLY
_RESOLVE = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS
_RESERVED = ("/plugin", "/state", "/tmp", os.path.dirname(os.__file__))
"""Places in an instance's root that are exod's own."""


def refusal(path: str, *, forbidden: Iterable[str] = ()) -> Refusal | None:
    """What is wrong with granting `path`, before anything is opened. `forbidden`: places of this very daemon."""
    if path in PROC_FILES:
        return None
    clean = path.startswith("/") and path == os.path.normpath(path) and not path.startswith("//") and "\0" not in path
    if not clean or path == "/":
        return _refuse(path, "it is not the plain absolute path of a file")
    for place in (*FORBIDDEN, *forbidden, *_RESERVED):
        if path == place or path.startswith(f"{place}/"):
            return _refuse(path, f"nothing below {place} is ever granted")
    return None


def open_files(paths: Iterable[str], *, forbidden: Iterable[str] = ()) -> list[int]:
    """One detached mount for each path, in order; raises Refused and leaves nothing open when one is refused."""
    chosen, kept = list(paths), list(forbidden)
    if len(chosen) > FILES_MAX:
        raise Refused(_refuse(chosen[FILES_MAX], f"more than {FILES_MAX} files"))
    trees: list[int] = []
    # Only where it is needed: few plugins are granted a figure of the host, and a procfs takes its time.
    own = [mount.detached("proc", INERT | mount.MOUNT_ATTR_RDONLY)] if PROC_FILES.intersection(chosen) else []
    try:
        for path in chosen:
            if said := refusal(path, forbidden=kept):
                raise Refused(said)
            trees.append(_open_proc(path, directory=own[0]) if path in PROC_FILES else _open(path))
    except BaseException:
        close(trees)
        raise
    finally:
        close(own)
    return trees


def _open(path: str) -> int:
    try:
        found = openat2(mount.AT_FDCWD, path, os.O_PATH | os.O_CLOEXEC, resolve=_RESOLVE)
    except OSError as error:
        raise Refused(_refuse(path, (error.strerror or str(error)).lower())) from error
    with opened(found) as file:
        if not stat.S_ISREG(os.fstat(file).st_mode):
            raise Refused(_refuse(path, "it is not a regular file"))
        if (kind := procfs.mount_type(file) or _UNKNOWN) in (*_FOREIGN, _UNKNOWN):
            raise Refused(_refuse(path, f"it lies on {kind}, which others may change"))
        return _clone(file)


def _clone(file: int) -> int:
    tree = mount.open_tree(file, "", mount.OPEN_TREE_CLONE | mount.AT_EMPTY_PATH)
    mount.mount_setattr(tree, set_=READ_ONLY, propagation=mount.MS_PRIVATE)
    return tree


def _open_proc(path: str, *, directory: int) -> int:
    """Of a procfs that nobody else walks: whoever looks up a file below /proc/PID/net unhashes it for all, and then a
    clone of it cannot be moved any more (ENOENT). Before Linux 6.15 only attached mounts are cloned: the host's then,
    and a start fails when somebody reads the same file at the same moment.
    """
    try:
        return _clone_of(directory, path.removeprefix("/proc/"))
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise Refused(_refuse(path, (error.strerror or str(error)).lower())) from error
    return _clone_of(mount.AT_FDCWD, path)


def _clone_of(directory: int, name: str) -> int:
    with opened(openat2(directory, name, os.O_PATH | os.O_CLOEXEC, resolve=_RESOLVE)) as file:
        return _clone(file)


_FOREIGN = frozenset("fuse fuseblk nfs nfs4 cifs smb3 9p virtiofs proc sysfs cgroup cgroup2 devtmpfs".split())
_UNKNOWN = "an unknown file system"


def _refuse(path: str, reason: str) -> Refusal:
    return Refusal("file-grant-refused", f"cannot grant {path}: {reason}", evidence={"path": path})
