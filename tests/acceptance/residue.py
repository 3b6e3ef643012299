"""What a development daemon leaves on the host: processes, mounts, groups, namespaces, shared memory.

Only what can be its own counts (by its directory and its group), so that a busy host is no noise.
"""

import os
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Self

from exod.sandbox.groups import place

_NAMESPACES = ("user", "mnt", "pid", "ipc", "uts", "net", "cgroup")


@dataclass(frozen=True, slots=True)
class Traces:
    """Each a sorted tuple of words; equal before and after when nothing is left."""

    processes: tuple[str, ...]
    mounts: tuple[str, ...]
    groups: tuple[str, ...]
    namespaces: tuple[str, ...]
    shared_memory: tuple[str, ...]

    @classmethod
    def now(cls, directory: Path) -> Self:
        group = place(directory=directory)
        own = [pid for pid in _pids() if _belongs(pid, directory, group)]
        mounts = [line for line in _read("/proc/self/mountinfo").splitlines() if str(directory) in line]
        groups = [str(path) for path in (group, *group.glob("**/")) if path.is_dir()]
        spaces = {os.readlink(f"/proc/{pid}/ns/{kind}") for pid in own for kind in _NAMESPACES}
        host = {os.readlink(f"/proc/self/ns/{kind}") for kind in _NAMESPACES}
        shared = [name for name in os.listdir("/dev/shm") if "exod" in name]
        return cls(
            tuple(f"{pid}:{_read(f'/proc/{pid}/comm').strip()}" for pid in own),
            tuple(sorted(mounts)),
            tuple(sorted(groups)),
            tuple(sorted(spaces - host)),
            tuple(sorted(shared)),
        )

    def beyond(self, before: "Traces") -> dict[str, int | list[str]]:
        """Per kind: 0, or what is there now and was not before."""
        new = {row.name: sorted(set(getattr(self, row.name)) - set(getattr(before, row.name))) for row in fields(self)}
        return {name: found or 0 for name, found in new.items()}


def _pids() -> list[int]:
    return sorted(int(name) for name in os.listdir("/proc") if name.isdigit())


def _belongs(pid: int, directory: Path, group: Path) -> bool:
    if pid == os.getpid():
        return False
    try:
        if Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z":
            return False  # a zombie waits for its parent, holds nothing, and may be anybody's
        command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        return str(directory) in command or f"/{group.name}/" in Path(f"/proc/{pid}/cgroup").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def _read(path: str) -> str:
    try:
        return Path(path).read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""
