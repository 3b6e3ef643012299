"""What instances, zygotes and keepers left on this host: a Scope → traces.

Reads only. A zombie is no trace: it waits for its parent and holds nothing; nor is what a living daemon still uses, so
compare two looks, or look when nothing should run. The one finder: of tests, of the doctor, of what cleans up.
"""

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from exod.brokers.network.own import left
from exod.linux import procfs

_HELD = re.compile(r"(net|user|mnt|pid|ipc|uts|cgroup):\[\d+\]|anon_inode:\[pidfd\]")
SHM = Path("/dev/shm")


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose traces: of these uids, in this group, with these directories. `own`: also this process's descriptors.
    `named`: also processes whose command names one of the directories, as a development daemon's and its bus's do.
    `network_range`: of plugins' own networks, as exod.toml spells it.
    """

    uid_first: int
    uid_last: int
    keeper_uid: int
    group: Path
    places: tuple[Path, ...]
    own: bool = True
    named: bool = False
    network_range: str = ""

    def has(self, uid: int) -> bool:
        return self.uid_first <= uid <= self.uid_last or uid == self.keeper_uid


@dataclass(frozen=True, slots=True, order=True)
class Trace:
    """kind: process, namespace, cgroup, mount, shm, socket, keyring, descriptor, link or rules."""

    kind: str
    what: str


def look(scope: Scope) -> frozenset[Trace]:
    living = list(_processes(scope))
    kinds = (_cgroups(scope), _mounts(scope), _shm(scope), _sockets(scope), _descriptors(scope), _links(scope))
    traces = {Trace("process", f"{pid} {' '.join(command)[:80]}") for pid, command in living}
    traces |= {trace for pid, _ in living for trace in _namespaces(pid)}
    return frozenset(traces.union(*kinds))


def _processes(scope: Scope) -> Iterator[tuple[int, list[str]]]:
    for pid in [int(path.name) for path in Path("/proc").glob("[0-9]*")]:
        try:
            status = procfs.status(pid)
            command = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")[:-1]
            mine = scope.has(int(status["Uid"].split()[0])) or _within(scope, procfs.cgroup(pid))
            if (mine or _names(scope, pid, command)) and not status["State"].startswith("Z"):
                yield pid, command
        except (OSError, KeyError):
            continue  # it ended while we looked


def _within(scope: Scope, group: str) -> bool:
    return f"{group}/".startswith(f"/{scope.group.name}/")


def _names(scope: Scope, pid: int, command: Iterable[str]) -> bool:
    found = scope.named and any(str(place) in word for place in scope.places for word in command)
    return found and pid != os.getpid()


def _namespaces(pid: int) -> Iterator[Trace]:
    try:
        host = procfs.namespaces("self")
        for kind, number in procfs.namespaces(pid).items():
            if number != host[kind]:
                yield Trace("namespace", f"{kind}:[{number}]")
    except OSError:
        return


def _cgroups(scope: Scope) -> Iterator[Trace]:
    for directory, _, _ in os.walk(scope.group):
        yield Trace("cgroup", directory)


def _mounts(scope: Scope) -> Iterator[Trace]:
    places = tuple(f"{place}/" for place in scope.places)
    for line in Path("/proc/self/mountinfo").read_text(errors="replace").splitlines():
        fields = line.split(" ")
        if f"{fields[4]}/".startswith(places) or f"{fields[3]}/".startswith(places):
            yield Trace("mount", fields[4])


def _shm(scope: Scope) -> Iterator[Trace]:
    for entry in os.scandir(SHM):
        with suppress(FileNotFoundError):  # others come and go there
            if scope.has(entry.stat(follow_symlinks=False).st_uid):
                yield Trace("shm", entry.path)


def _sockets(scope: Scope) -> Iterator[Trace]:
    """Ours lie at the top or one below it; what lies deeper may be a plugin's, and as deep as it likes."""
    for place in scope.places:
        paths = (*place.glob("*.sock"), *place.glob("*/*.sock"))
        yield from (Trace("socket", str(path)) for path in paths if path.is_socket())


def _links(scope: Scope) -> Iterator[Trace]:
    """Of plugins' own networks; without links, their rules hold nobody and are only in the way."""
    yield from (Trace("link", name) for name in left.links(scope.network_range))
    with suppress(OSError):  # who may not look at rules made none
        if scope.network_range and left.has_table(scope.network_range):
            yield Trace("rules", scope.network_range)


def keyrings(scope: Scope) -> Iterator[Trace]:
    """Apart, since the kernel takes them away some time after their last user. Who may see a key depends on whose it
    is; how many keys a uid has is told to everybody."""
    for line in Path("/proc/key-users").read_text().splitlines():
        uid, _, figures = line.partition(":")
        keys = int(figures.split()[1].partition("/")[0])
        if keys and scope.has(int(uid)):
            yield Trace("keyring", f"uid {int(uid)}")


def _descriptors(scope: Scope) -> Iterator[Trace]:
    """Namespaces live as long as a descriptor, and pidfds keep what they name from being forgotten."""
    for name in os.listdir("/proc/self/fd") if scope.own else ():
        try:
            target = os.readlink(f"/proc/self/fd/{name}")
        except OSError:
            continue
        if _HELD.fullmatch(target):
            yield Trace("descriptor", f"{name} → {target}")
