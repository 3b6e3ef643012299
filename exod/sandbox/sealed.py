"""Bytes in memory → a file system of its own, written once, then read-only for every mount of it.

mount_setattr would mark one mount; here the superblock itself is made read-only, so that no other mount of it, and no
duplicate of a descriptor, can write. Detached: `..` ends at its own root, it has no path on the host, and it goes with
its last reference.
"""

import os

from exod.linux import mount
from exod.linux.descriptors import opened

QUIET = mount.MOUNT_ATTR_NOSUID | mount.MOUNT_ATTR_NODEV
INERT = QUIET | mount.MOUNT_ATTR_NOEXEC
PLAIN = INERT | mount.MOUNT_ATTR_NOSYMFOLLOW
PAGE = 4096


class Superblock:
    """A tmpfs under construction; `mount` is its only mount, and outlives `close` if it was taken."""

    def __init__(self, *, size: int, attributes: int) -> None:
        self._made: set[str] = {""}
        self.mount = mount.detached("tmpfs", attributes, size=str(size), mode="0755")

    def directory(self, path: str) -> None:
        """Makes `path` and what leads to it."""
        if path in self._made:
            return
        self.directory(path.rpartition("/")[0])
        os.mkdir(path, dir_fd=self.mount)
        os.chmod(path, 0o755, dir_fd=self.mount)  # whatever the umask took away
        self._made.add(path)

    def write(self, path: str, data: bytes, *, mode: int = 0o444, time: int | None = None) -> None:
        """`time` in nanoseconds, where bytecode has to match its source's."""
        self.directory(path.rpartition("/")[0])
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with opened(os.open(path, flags, mode, dir_fd=self.mount)) as file:
            os.fchmod(file, mode)
            view = memoryview(data)
            while view:
                view = view[os.write(file, view) :]
            if time is not None:
                os.utime(file, ns=(time, time))

    def seal(self) -> int:
        """Nothing can be written any more; the mount is the caller's now."""
        with opened(mount.fspick(self.mount)) as fs:
            mount.fsconfig(fs, mount.SET_FLAG, "ro")
            mount.fsconfig(fs, mount.RECONFIGURE)
        return self.take()

    def take(self) -> int:
        taken, self.mount = self.mount, -1
        return taken

    def close(self) -> None:
        if self.mount >= 0:
            os.close(self.mount)
            self.mount = -1


def room_for(sizes: list[int]) -> int:
    """The size a tmpfs needs for files of these sizes, with a page each for directories and rounding."""
    return sum(-(-size // PAGE) + 1 for size in sizes) * PAGE + 64 * PAGE


def scratch(*, size: int, uid: int) -> int:
    """A detached tmpfs for /tmp, owned by the instance."""
    inodes, owner = str(max(64, size // PAGE)), str(uid)
    return mount.detached("tmpfs", INERT, size=str(size), mode="0700", uid=owner, gid=owner, nr_inodes=inodes)
