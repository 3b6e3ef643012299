"""The tree of cgroups below one delegated group: `core` the keeper, `zygotes`, `instances/i-ID`. Names, owners."""

import asyncio
import errno
import functools
import hashlib
import os
from collections.abc import Callable
from pathlib import Path

from exod.errors import Outcome, Refusal, Refused
from exod.linux import cgroupfs, procfs

PRODUCTION = "exod.slice/exod-keeper.service"


class Groups:
    """`keeper`: uid and gid of the keeper, whose gid all zygotes share. A group of one instance is its id."""

    def __init__(self, top: Path, *, keeper: int) -> None:
        self.top = top
        self._keeper = keeper

    @property
    def instances(self) -> Path:
        return self.top / "instances"

    def instance(self, id_: int) -> Path:
        return self.instances / f"i-{id_}"

    def path(self, id_: int) -> str:
        """As /proc/PID/cgroup shows it: below the mount point."""
        return f"/{self.instance(id_).relative_to(_mounted() or '/')}"

    def make(self) -> None:
        """The tree, and who may do what in it. Safe to repeat."""
        for group in (self.top, self.top / "core", self.top / "zygotes", self.instances):
            group.mkdir(exist_ok=True)
        # CLONE_INTO_CGROUP takes write permission on cgroup.procs of the target and of the common ancestor.
        os.chown(self.top / "cgroup.procs", 0, self._keeper)
        os.chmod(self.top / "cgroup.procs", 0o664)
        os.chown(self.top / "zygotes/cgroup.procs", self._keeper, self._keeper)
        os.chown(self.top / "zygotes/cgroup.kill", self._keeper, self._keeper)

    async def renew_zygotes(self, *, keeper: int) -> None:
        """A new group for zygotes, after the old one's were killed. Since Linux 6.14 every kill of a group is counted
        in it, and a child that is cloned into a group whose count is not its parent's is killed at once (seen on 6.18):
        no zygote could ever fork again from a group that was killed once. It is the process `keeper`'s, whatever the
        settings say by now; an exod before us may have been killed over any line of this.
        """
        group, status = self.top / "zygotes", procfs.status(keeper)
        await self.end(group)
        group.mkdir()
        for name in ("cgroup.procs", "cgroup.kill"):
            os.chown(group / name, int(status["Uid"].split()[0]), int(status["Gid"].split()[0]))

    def add(self, id_: int) -> Path:
        """The group of a new instance, which the keeper may kill: it may not signal what has another uid."""
        group = self.instance(id_)
        group.mkdir()
        os.chown(group / "cgroup.kill", self._keeper, self._keeper)
        return group

    def open_for(self, id_: int, *, uid: int) -> None:
        """Lets `uid`, a zygote's root, fork into the group."""
        os.chown(f"{self.top}/instances/i-{id_}/cgroup.procs", uid, 0)

    def shut(self, id_: int) -> None:
        os.chown(f"{self.top}/instances/i-{id_}/cgroup.procs", 0, 0)

    def living(self) -> list[int]:
        """The ids of all instance groups there are."""
        found = self.instances.iterdir() if self.instances.is_dir() else ()
        return sorted(int(path.name[2:]) for path in found if path.name.startswith("i-") and path.name[2:].isdigit())

    async def end(self, group: Path, *, seconds: float = 10.0) -> None:
        """Kills all in `group`, waits until it is empty, and removes it and what is below. Safe to repeat."""
        try:
            cgroupfs.kill(group)
        except FileNotFoundError:
            return
        await settled(lambda: remove(group), seconds=seconds, what=str(group))


async def settled(reached: Callable[[], bool], *, seconds: float, what: str) -> None:
    """Asks again, less and less often: cgroup.events tells of changes only to poll(2), which asyncio lacks."""
    clock = asyncio.get_running_loop().time
    deadline, pause = clock() + seconds, 0.0005
    while not reached():
        if clock() > deadline:
            raise OSError(errno.EBUSY, os.strerror(errno.EBUSY), what)
        await asyncio.sleep(pause)
        pause = min(pause * 2, 0.02)


def remove(group: Path) -> bool:
    """Whether the group and all below it are gone; False while processes are ending."""
    for path in (*cgroupfs.below(group), group):
        try:
            cgroupfs.remove(path)
        except FileNotFoundError:
            continue
        except OSError as error:
            if error.errno != errno.EBUSY:
                raise
            return False
    return True


def place(*, directory: Path | None) -> Path:
    """Where the tree stands: for development a group named by its DIR, else the keeper's unit."""
    mounted = _mounted()
    if mounted is None:
        sentence = "cannot build sandboxes: this host has no cgroup v2"
        raise Refused(Refusal("no-cgroup-v2", sentence, "mount -t cgroup2 none /sys/fs/cgroup", outcome=Outcome.FAILED))
    if directory is None:
        return mounted / PRODUCTION
    return mounted / f"exod-dev-{hashlib.sha256(os.fsencode(directory)).hexdigest()[:12]}"


@functools.cache
def _mounted() -> Path | None:
    return next((Path(where) for _, where, kind in procfs.mounts() if kind == "cgroup2"), None)
