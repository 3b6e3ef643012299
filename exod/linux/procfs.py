"""/proc/PID as values. A pid may be recycled between two reads: the caller holds its pidfd and looks at it after."""

import os
from pathlib import Path

NAMESPACES = ("user", "mnt", "pid", "net", "ipc", "uts", "cgroup")
PROC = Path("/proc")


def pids() -> list[int]:
    return [int(name) for name in os.listdir(PROC) if name.isdigit()]


def status(pid: int) -> dict[str, str]:
    rows = (line.partition(":") for line in (PROC / str(pid) / "status").read_text().splitlines())
    return {key: value.strip() for key, _, value in rows}


def namespace(pid: int | str, kind: str) -> int:
    return (PROC / str(pid) / "ns" / kind).stat().st_ino


def namespaces(pid: int | str) -> dict[str, int]:
    return {kind: namespace(pid, kind) for kind in NAMESPACES}


def cgroup(pid: int) -> str:
    """The path of its cgroup v2 below the mount, "/" at the root; "" when it has none."""
    for line in (PROC / str(pid) / "cgroup").read_text().splitlines():
        if line.startswith("0::"):
            return line[3:]
    return ""


def memory(pid: int) -> dict[str, int]:
    """smaps_rollup in bytes: Rss, Pss, Private_Clean, Private_Dirty and the rest."""
    rows = (line.split() for line in (PROC / str(pid) / "smaps_rollup").read_text().splitlines()[1:])
    return {row[0].rstrip(":"): int(row[1]) << 10 for row in rows if len(row) == 3 and row[2] == "kB"}


def command(pid: int) -> list[str]:
    return [word.decode(errors="replace") for word in (PROC / str(pid) / "cmdline").read_bytes().split(b"\0")[:-1]]
