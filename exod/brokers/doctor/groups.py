"""cgroups, by making one and doing to it what is done to an instance's."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from exod.brokers.doctor.check import Check, Verdict, ok, warning, wrong
from exod.brokers.doctor.host import Host
from exod.linux import cgroupfs, pidfd

_LIMITS = ("cpu", "memory", "pids", "io")


def version_two(host: Host) -> Verdict:
    if host.group is None:
        return wrong("no cgroup v2 is mounted")
    with _made(_ancestor(host.group)) as group, _member(group) as pid:
        for frozen in (True, False):
            cgroupfs.freeze(group, frozen=frozen)
        cgroupfs.kill(group)
        _, status = os.waitpid(pid, 0)
    if os.WTERMSIG(status) != signal.SIGKILL:
        return wrong("a group that was killed lived on")
    return ok("made a group, froze and thawed it, and killed all that was in it")


def controllers(host: Host) -> Verdict:
    if host.group is None:
        return wrong("no cgroup v2 is mounted")
    place = _ancestor(host.group / "x")
    given = (place / "cgroup.controllers").read_text().split()
    lacking = [name for name in _LIMITS if name not in given]
    return (
        warning(f"{place} is not given: {', '.join(lacking)}") if lacking else ok(f"{place} has {', '.join(_LIMITS)}")
    )


def delegated(host: Host) -> Verdict:
    if host.layout.development:
        return ok("exod --dev makes its own group")
    if host.group is None or not host.group.is_dir():
        return warning("the keeper does not run: systemctl start exod-keeper")
    marked = {name for name in os.listxattr(host.group) if name in ("trusted.delegate", "user.delegate")}
    if any(os.getxattr(host.group, name) == b"1" for name in marked):
        return ok(f"{host.group} is the keeper's own")
    return wrong(f"systemd did not delegate {host.group}: has a drop-in taken Delegate=yes away?")


def _ancestor(group: Path) -> Path:
    """The nearest group above that is there."""
    return next(path for path in group.parents if path.is_dir())


@contextmanager
def _made(parent: Path) -> Iterator[Path]:
    group = parent / f"exod-doctor-{os.getpid()}"
    group.mkdir()
    try:
        yield group
    finally:
        cgroupfs.remove(group)


@contextmanager
def _member(group: Path) -> Iterator[int]:
    """A child in the group that waits for its end."""
    pid = os.fork()
    if pid == 0:
        while True:
            signal.pause()
    try:
        cgroupfs.write(group, "cgroup.procs", str(pid))
        yield pid
    except BaseException:
        pidfd.kill(pid)
        os.waitpid(pid, 0)
        raise


CHECKS = (
    Check(
        "cgroup-v2",
        "cgroups can be made, frozen and killed",
        "exod does not start: what a plugin started could not be ended for certain",
        "An instance is killed with all it ever started by killing its group; a list of pids always comes too late.",
        version_two,
    ),
    Check(
        "cgroup-controllers",
        "the controllers of cgroup v2 are given to exod's groups",
        "memory, cpu, tasks and disk traffic of plugins are not limited by the kernel",
        "A controller that belongs to cgroup v1, or that nobody delegates, limits nothing in v2.",
        controllers,
    ),
    Check(
        "delegation",
        "the keeper's group is its own",
        "systemd may move or remove the groups of instances",
        "exod-keeper.service says Delegate=yes; systemd marks the group so (trusted.delegate).",
        delegated,
    ),
)
