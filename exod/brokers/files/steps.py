"""Paths that a Confinement grants → detached mounts of exactly those files and directories, or a refusal.

Refuses what the rules refuse, that under another name, links anywhere on the path, what is neither file nor directory,
file systems that others may change under us. What is mounted below a directory does not come along.
"""

import errno
import os
import stat
from collections.abc import Callable, Iterator, Sequence

from exod.brokers.files.rules import CLOSED_ROOTS, OPEN_FILES, PATHS_MAX, fault, refuse
from exod.errors import Refused
from exod.linux import mount, procfs
from exod.linux.descriptors import close, opened
from exod.linux.openat2 import RESOLVE_NO_MAGICLINKS, RESOLVE_NO_SYMLINKS, openat2
from exod.plan.confine import Confinement

_INERT = mount.MOUNT_ATTR_NOSUID | mount.MOUNT_ATTR_NODEV | mount.MOUNT_ATTR_NOEXEC | mount.MOUNT_ATTR_RDONLY
READ_ONLY = _INERT | mount.MOUNT_ATTR_NOSYMFOLLOW
_RESOLVE = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS
_OWN_SYSTEMS = ("/proc", "/sys", "/dev", "/run", "/boot")
"""Closed places that mostly are a file system of their own, of which nothing is granted under another name either."""
_KNOWN = frozenset(
    "ext2 ext3 ext4 xfs btrfs f2fs bcachefs zfs tmpfs ramfs overlay squashfs erofs iso9660 udf vfat exfat".split()
)
"""File systems that only this host's kernel answers for: not FUSE, the network, or the kernel's own interfaces."""
_OUTSIDE = "/proc/1/root"
_SCRATCH = "/var/tmp"
"""Which exod's unit has for itself, as it has /tmp, of which nothing is granted (PrivateTmp=)."""


Lend = Callable[[int, tuple[int, int]], int | None]
"""A descriptor, its owner's uid and gid → a mount in which the instance is that owner; None where that cannot be."""


def open_paths(confinement: Confinement, lend: Lend, *, forbidden: Sequence[str] = ()) -> list[int]:
    """One detached mount for each path, in order, those to be written last; raises Refused and leaves nothing open
    when one is refused. `forbidden`: places of this very daemon.
    """
    chosen = [*confinement.files, *confinement.writable]
    if len(chosen) > PATHS_MAX:
        raise Refused(refuse(chosen[PATHS_MAX], f"more than {PATHS_MAX} paths"))
    trees: list[int] = []
    # Only where it is needed: few plugins are granted a figure of the host, and a procfs takes its time.
    own = [mount.detached("proc", _INERT)] if OPEN_FILES.intersection(chosen) else []
    try:
        for place, path in enumerate(chosen):
            if reason := fault(path, forbidden=forbidden):
                raise Refused(refuse(path, reason))
            how = lend if place >= len(confinement.files) else None
            trees.append(_open_proc(path, own[0]) if path in OPEN_FILES else _open(path, how, forbidden))
    except BaseException:
        close(trees)
        raise
    finally:
        close(own)
    return trees


def _open(path: str, lend: Lend | None, forbidden: Sequence[str]) -> int:
    """What is checked is what is cloned, whatever the path leads to by then."""
    if f"{path}/".startswith(f"{_SCRATCH}/") and not _shared(_SCRATCH):
        raise Refused(refuse(path, f"exod's own unit has another {_SCRATCH} than the host (PrivateTmp=)"))
    try:
        found = openat2(mount.AT_FDCWD, path, os.O_PATH | os.O_CLOEXEC, resolve=_RESOLVE)
    except OSError as error:
        raise Refused(refuse(path, (error.strerror or str(error)).lower())) from error
    with opened(found) as place:
        seen = os.fstat(place)
        if not (stat.S_ISREG(seen.st_mode) or stat.S_ISDIR(seen.st_mode)):
            raise Refused(refuse(path, "it is neither a regular file nor a directory"))
        if (kind := procfs.mount_type(place) or "an unknown file system") not in _KNOWN:
            raise Refused(refuse(path, f"it lies on {kind}, which others may change"))
        for closed in _closed(seen, forbidden):
            raise Refused(refuse(path, f"it is {closed} under another name"))
        return _clone(place) if lend is None else _lend(path, place, seen, lend)


def _closed(seen: os.stat_result, forbidden: Sequence[str]) -> Iterator[str]:
    """The closed places that this is, holds or belongs to, by identity: a bind mount or a hard link has its own name.
    A link on the way to one of those places is followed; no grant was asked for there.
    """
    host = os.stat("/").st_dev
    for place in (*CLOSED_ROOTS, *forbidden):
        while os.path.exists(place):
            found = os.stat(place)
            if os.path.samestat(found, seen) or (place in _OWN_SYSTEMS and found.st_dev == seen.st_dev != host):
                yield place
            place = os.path.dirname(place) if place != "/" else ""


def _clone(place: int) -> int:
    tree = mount.open_tree(place, "", mount.OPEN_TREE_CLONE | mount.AT_EMPTY_PATH)
    mount.mount_setattr(tree, set_=READ_ONLY, propagation=mount.MS_PRIVATE)
    return tree


def _lend(path: str, place: int, seen: os.stat_result, lend: Lend) -> int:
    if 0 in (seen.st_uid, seen.st_gid):
        raise Refused(refuse(path, "root owns it, and no plugin writes as root; give it to a user and group"))
    if os.fstatvfs(place).f_flag & os.ST_RDONLY and not _writable_outside(path, seen):
        raise Refused(refuse(path, "it is mounted read-only"))
    tree = lend(place, (seen.st_uid, seen.st_gid))
    if tree is None:
        raise Refused(refuse(path, "it lies on a file system without idmapped mounts"))
    return tree


def _writable_outside(path: str, seen: os.stat_result) -> bool:
    """exod's unit has nearly everything read-only for itself (ProtectSystem=); pid 1 sees how the host mounted it."""
    try:
        outside = os.open(f"{_OUTSIDE}{path}", os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return False
    with opened(outside) as place:
        return os.path.samestat(os.fstat(place), seen) and not os.fstatvfs(place).f_flag & os.ST_RDONLY


def _shared(path: str) -> bool:
    """Whether it is the host's: what lies over it here is neither what was granted nor what anybody outside sees. An
    exod that may not look at pid 1 has no such unit.
    """
    try:
        return os.path.samestat(os.stat(path), os.stat(f"{_OUTSIDE}{path}"))
    except OSError:
        return True


def _open_proc(path: str, directory: int) -> int:
    """Of a procfs that nobody else walks: whoever looks up a file below /proc/PID/net unhashes it for all, and then a
    clone of it cannot be moved any more (ENOENT). Before Linux 6.15 only attached mounts are cloned: the host's then,
    and a start fails when somebody reads the same file at the same moment.
    """
    try:
        return _clone_of(directory, path.removeprefix("/proc/"))
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise Refused(refuse(path, (error.strerror or str(error)).lower())) from error
    return _clone_of(mount.AT_FDCWD, path)


def _clone_of(directory: int, name: str) -> int:
    with opened(openat2(directory, name, os.O_PATH | os.O_CLOEXEC, resolve=_RESOLVE)) as file:
        return _clone(file)
