"""exod's directories: owners, modes, file systems, room."""

import os
import stat
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from exod.brokers.doctor.check import Action, Check, Verdict, ok, warning, wrong
from exod.brokers.doctor.host import Host
from exod.brokers.doctor.walls import existing
from exod.linux import procfs
from exod.linux.descriptors import opened

_SOUND = ("ext4", "xfs", "btrfs", "f2fs", "bcachefs")
_FULL, _FILLING = 0.05, 0.10
_LEAST = 64 << 20
_OTHERS_WRITE, _OTHERS_AT_ALL = 0o022, 0o077


def trust_modes(host: Host) -> Verdict:
    return _judge(_trust(host))


def state_modes(host: Host) -> Verdict:
    return _judge(_state(host))


def _judge(places: Sequence[tuple[Path, int]]) -> Verdict:
    bad = [f"{path} {fault}" for path, forbidden in places if (fault := _fault(path, forbidden))]
    return wrong("; ".join(bad)) if bad else ok(f"looked at {len(places)}")


def _trust(host: Host) -> list[tuple[Path, int]]:
    """What decides whom to trust, each with the bits of its mode that it must not have."""
    config = host.layout.config
    found = [config, config / "exod.toml"]
    for directory in (config / "trust.d", config / "plugins.d"):
        found += [directory, *(sorted(directory.iterdir()) if directory.is_dir() else ())]
    return [(path, _OTHERS_WRITE) for path in found if os.path.lexists(path)]


def _state(host: Host) -> list[tuple[Path, int]]:
    state, log = host.layout.state, host.layout.log
    private = [state, log, *(state / name for name in ("registry.sqlite", "trust", "audit", "packages"))]
    found = [(path, _OTHERS_AT_ALL) for path in private] + [(host.layout.run, _OTHERS_WRITE)]
    return [(path, forbidden) for path, forbidden in found if os.path.lexists(path)]


def _fault(path: Path, forbidden: int) -> str:
    found = path.lstat()
    if stat.S_ISLNK(found.st_mode):
        return "is a link"
    if found.st_uid != 0:
        return f"belongs to uid {found.st_uid}"
    if found.st_mode & forbidden:
        return f"has mode {stat.S_IMODE(found.st_mode):04o}"
    return ""


def _narrow(places: Sequence[tuple[Path, int]]) -> Iterator[Action]:
    """Only of what is root's: what belongs to another may be another's work, and a person has to look at it."""
    for path, forbidden in places:
        found = path.lstat()
        if found.st_uid == 0 and found.st_mode & forbidden and not stat.S_ISLNK(found.st_mode):
            mode = stat.S_IMODE(found.st_mode) & ~forbidden
            yield Action(f"chmod {mode:04o} {path}", partial(_chmod, path, forbidden))


def _chmod(path: Path, forbidden: int) -> None:
    """Never through a link that took its place meanwhile, and no bit more for a file that did."""
    with opened(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)) as file:
        os.fchmod(file, stat.S_IMODE(os.fstat(file).st_mode) & ~forbidden)


def file_system(host: Host) -> Verdict:
    place = existing(host.layout.state)
    with opened(os.open(place, os.O_RDONLY | os.O_CLOEXEC)) as directory:
        kind = procfs.mount_type(directory)
    if kind in _SOUND:
        return ok(f"{place} lies on {kind}")
    if kind == "tmpfs" and not host.layout.development:
        return wrong(f"{place} lies on tmpfs, which forgets everything at the next boot")
    return warning(f"{place} lies on {kind}, on which exod is not tested")


def room(host: Host) -> Verdict:
    worst = ok("there is room")
    for place in sorted({existing(host.layout.state), existing(host.layout.log)}):
        figures = os.statvfs(place)
        free = figures.f_bavail * figures.f_frsize
        share = min(
            free / max(1, figures.f_blocks * figures.f_frsize),
            figures.f_favail / figures.f_files if figures.f_files else 1.0,
        )
        said = f"{place} has {share:.0%} of its room left, {free >> 20} MiB"
        if share < _FULL and free < (1 << 30) or free < _LEAST:
            return wrong(said)
        if share < _FILLING and worst.level.value == "ok":
            worst = warning(said)
    return worst


CHECKS = (
    Check(
        "trust-modes",
        "who is trusted is for root alone to say",
        "whoever may write there decides what runs on this host; exod does not believe such a file",
        "Directories and files of /etc/exod belong to root and are written by nobody else, and none is a link.",
        trust_modes,
        lambda host: tuple(_narrow(_trust(host))),
    ),
    Check(
        "state-modes",
        "exod's state is for root alone",
        "others read or change what exod remembers: owners, packages, audit; exod does not believe such a file",
        "/var/lib/exod and /var/log/exod are 0700, the registry 0600.",
        state_modes,
        lambda host: tuple(_narrow(_state(host))),
    ),
    Check(
        "state-file-system",
        "exod's state lies on a file system that keeps it",
        "a crash or a boot may lose what exod said was done",
        f"Tested: {', '.join(_SOUND[:3])}. Each change is durable before exod answers, if the file system is honest.",
        file_system,
    ),
    Check(
        "room",
        "there is room for state and logs",
        "exod cannot record what it does, and refuses to do what it cannot record",
        "Less than 64 MiB, or 5 % of a small disk, is wrong; less than 10 % is worth a look. Inodes count too.",
        room,
    ),
)
