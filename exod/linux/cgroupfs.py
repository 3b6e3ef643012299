"""cgroup v2 as files: groups made, killed, frozen, read, removed. A group is its directory."""

import os
from collections.abc import Iterator
from pathlib import Path

from exod.linux.descriptors import opened


def write(group: Path, name: str, text: str) -> None:
    # O_CREAT would hide a missing file behind EACCES: kernfs has no create.
    with opened(os.open(group / name, os.O_WRONLY | os.O_CLOEXEC)) as file:
        os.write(file, text.encode())


def kill(group: Path) -> None:
    """SIGKILL to every process in the group and below, also to those that are just being forked into it."""
    write(group, "cgroup.kill", "1")


def freeze(group: Path, *, frozen: bool) -> None:
    write(group, "cgroup.freeze", "1" if frozen else "0")


def is_frozen(group: Path) -> bool:
    """Whether `freeze` was asked for last."""
    return (group / "cgroup.freeze").read_text() == "1\n"


def events(group: Path) -> dict[str, int]:
    return _numbers((group / "cgroup.events").read_text())


def identity(group: Path) -> int:
    """The kernel's id of the group (never used again within a boot): kernfs shows it as the inode."""
    return group.stat().st_ino


def below(group: Path) -> Iterator[Path]:
    """The groups under `group`, deepest first: the order in which they can be removed."""
    for directory, _, _ in os.walk(group, topdown=False):
        if Path(directory) != group:
            yield Path(directory)


def remove(group: Path) -> None:
    group.rmdir()


def _numbers(text: str) -> dict[str, int]:
    return {row[0]: int(row[1]) for row in map(str.split, text.splitlines()) if len(row) == 2}
