"""Bytes in memory → a file system of its own, written once, then read-only for every mount of it.

mount_setattr would mark one mount; here the superblock itself is made read-only, so that no other mount of it, and no
duplicate of a descriptor, can write. Detached: `..` ends at its own root, it has no path on the host, and it goes with
its last reference.
"""

import os

from exod.linux import mount

QUIET = mount.MOUNT_ATTR_NOSUID | mount.MOUNT_ATTR_NODEV
PAGE = 4096


class Superblock:
    """A tmpfs under construction; `mount` is its only mount, and outlives `close` if it was taken."""

    def __init__(self, *, size: int, attributes: int) -> None:
        self._made: set[str] = {""}
        self._fs = mount.fsopen("tmpfs")
        self.mount = -1
        try:
            mount.fsconfig_set_string(self._fs, "size", str(size))
            mount.fsconfig_set_string(self._fs, "mode", "0755")
            mount.fsconfig_create(self._fs)
            self.mount = mount.fsmount(self._fs, attributes)
        except BaseException:
            self.close()
            raise

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
        file = os.open(path, flags, mode, dir_fd=self.mount)
        try:
            os.fchmod(file, mode)
            view = memoryview(data)
            while view:
                view = view[os.write(file, view) :]
            if time is not None:
                os.utime(file, ns=(time, time))
        finally:
            os.close(file)

    def seal(self) -> int:
        """Nothing can be written any more; the mount is the caller's now."""
        mount.fsconfig_set_flag(self._fs, "ro")
        mount.fsconfig_reconfigure(self._fs)
        taken, self.mount = self.mount, -1
        self.close()
        return taken

    def close(self) -> None:
        for descriptor in (self._fs, self.mount):
            if descriptor >= 0:
                os.close(descriptor)
        self._fs = self.mount = -1


def room_for(sizes: list[int]) -> int:
    """The size a tmpfs needs for files of these sizes, with a page each for directories and rounding."""
    return sum(-(-size // PAGE) + 1 for size in sizes) * PAGE + 64 * PAGE


def scratch(*, size: int, uid: int) -> int:
    """A detached tmpfs for /tmp, owned by the instance."""
    fs = mount.fsopen("tmpfs")
    try:
        inodes = max(64, size // PAGE)
        for key, value in {"size": size, "mode": "0700", "uid": uid, "gid": uid, "nr_inodes": inodes}.items():
            mount.fsconfig_set_string(fs, key, str(value))
        mount.fsconfig_create(fs)
        return mount.fsmount(fs, QUIET | mount.MOUNT_ATTR_NOEXEC)
    finally:
        os.close(fs)
