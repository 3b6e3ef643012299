"""What a daemon that was killed, or a bug, left of its instances: found by the one finder, taken away when asked."""

import contextlib
import os
import signal
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from exod.brokers.doctor import residue
from exod.brokers.doctor.check import Action, Check, Verdict, ok, warning, wrong
from exod.brokers.doctor.host import Host
from exod.brokers.doctor.residue import Scope, Trace
from exod.brokers.network.own import left
from exod.linux import cgroupfs, procfs

_HARMLESS = ("cgroup", "socket", "keyring", "rules")


def probe(host: Host) -> Verdict:
    traces = _traces(host)
    if not traces:
        return ok("everything that is there is the keeper's" if _kept(host) else "nothing is there")
    said = ", ".join(f"{trace.kind} {trace.what}" for trace in traces[:6]) + (", …" if len(traces) > 6 else "")
    return (warning if all(trace.kind in _HARMLESS for trace in traces) else wrong)(said)


def scope(host: Host) -> Scope:
    chosen, layout = host.chosen, host.layout
    group = host.group or Path("/nonexistent")
    whose = (chosen.uid_first, chosen.uid_last, chosen.keeper_uid, group, (layout.run, layout.state))
    return Scope(*whose, own=False, network_range=chosen.network_range)


def _traces(host: Host) -> list[Trace]:
    """Where a keeper lives, only what cannot be its own: it may be starting or ending instances just now."""
    everywhere = scope(host)
    found = residue.look(everywhere).union(residue.keyrings(everywhere))
    traces = sorted(_without_administrators(found, everywhere))
    if not _kept(host):
        return traces
    strays = {f"{pid} " for pid in _outside(everywhere)}
    return [trace for trace in traces if trace.kind == "shm" or trace.what.startswith(tuple(strays))]


def _without_administrators(traces: frozenset[Trace], everywhere: Scope) -> Iterator[Trace]:
    """A disk that is mounted on one of our directories itself was mounted there by the administrator."""
    places = [str(place) for place in everywhere.places]
    return (trace for trace in traces if not (trace.kind == "mount" and trace.what in places))


def _kept(host: Host) -> bool:
    with contextlib.suppress(OSError):
        return host.group is not None and bool((host.group / "core/cgroup.procs").read_text())
    return False


def _outside(everywhere: Scope) -> Iterator[int]:
    """Processes of our uids that are in no group of ours."""
    for pid in (int(path.name) for path in Path("/proc").glob("[0-9]*")):
        with contextlib.suppress(OSError, KeyError):
            uid, group = int(procfs.status(pid)["Uid"].split()[0]), procfs.cgroup(pid)
            if everywhere.has(uid) and f"/{everywhere.group.name}/" not in f"{group}/":
                yield pid


def repair(host: Host) -> Sequence[Action]:
    """Not mounts and keyrings: the first may be somebody's, the second go with their last user."""
    kept, everywhere = _kept(host), scope(host)
    actions = [] if kept or host.group is None or not host.group.is_dir() else [_end(host.group)]
    for trace in _traces(host):
        if trace.kind == "process" and (pid := int(trace.what.partition(" ")[0])) in set(_outside(everywhere)):
            actions.append(Action(f"kill {trace.what}", partial(_kill, pid, everywhere)))
        elif trace.kind in ("link", "rules"):
            actions.append(Action(f"remove {trace.what}", partial(left.remove, everywhere.network_range)))
        elif trace.kind in ("shm", "socket"):
            actions.append(Action(f"remove {trace.what}", partial(Path(trace.what).unlink, missing_ok=True)))
    return actions


def _end(group: Path) -> Action:
    def end() -> None:
        cgroupfs.kill(group)
        for path in (*cgroupfs.below(group), group):
            _emptied(path)
            cgroupfs.remove(path)

    return Action(f"kill everything in {group} and remove it", end)


def _emptied(group: Path) -> None:
    """Waits for those that are ending; what is left after that makes the removal fail, and is said."""
    for pid in (group / "cgroup.procs").read_text().split():
        with contextlib.suppress(ProcessLookupError):
            _wait(os.pidfd_open(int(pid)))


def _wait(pidfd: int) -> None:
    import select

    try:
        select.select([pidfd], [], [], 5.0)
    finally:
        os.close(pidfd)


def _kill(pid: int, everywhere: Scope) -> None:
    """By a descriptor that was looked at again: the number may be another process's by now."""
    with contextlib.suppress(ProcessLookupError, FileNotFoundError):
        pidfd = os.pidfd_open(pid)
        if everywhere.has(int(procfs.status(pid)["Uid"].split()[0])):
            signal.pidfd_send_signal(pidfd, signal.SIGKILL)
        _wait(pidfd)


CHECKS = (
    Check(
        "residue",
        "nothing is left of instances that ended",
        "processes, mounts or shared memory of a plugin that nobody watches any more",
        "exod takes back all it made, also after a crash; what is found here was made around it, or is a bug.",
        probe,
        repair,
        seconds=20.0,
    ),
)
