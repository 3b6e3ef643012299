"""/proc/PID as values. A pid may be recycled between two reads: the caller holds its pidfd and looks at it after."""

import os

NAMESPACES = ("user", "mnt", "pid", "net", "ipc", "uts", "cgroup")


def pids() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def status(pid: int) -> dict[str, str]:
    rows = (line.partition(":") for line in _read(pid, "status").splitlines())
    return {key: value.strip() for key, _, value in rows}


def namespace(pid: int | str, kind: str) -> int:
    return os.stat(f"/proc/{pid}/ns/{kind}").st_ino


def namespaces(pid: int | str) -> dict[str, int]:
    return {kind: namespace(pid, kind) for kind in NAMESPACES}


def cgroup(pid: int) -> str:
    """The path of its cgroup v2 below the mount, "/" at the root; "" when it has none."""
    for line in _read(pid, "cgroup").splitlines():
        if line.startswith("0::"):
            return line[3:]
    return ""


def memory(pid: int) -> dict[str, int]:
    """smaps_rollup in bytes: Rss, Pss, Private_Clean, Private_Dirty and the rest."""
    rows = (line.split() for line in _read(pid, "smaps_rollup").splitlines()[1:])
    return {row[0].rstrip(":"): int(row[1]) << 10 for row in rows if len(row) == 3 and row[2] == "kB"}


def command(pid: int) -> list[str]:
    return _read(pid, "cmdline").split("\0")[:-1]


def _read(pid: int, name: str) -> str:
    """Plain calls: a start reads several of these, and pathlib and buffered files cost more than the kernel does."""
    file = os.open(f"/proc/{pid}/{name}", os.O_RDONLY | os.O_CLOEXEC)
    try:
        parts = []
        while part := os.read(file, 1 << 16):
            parts.append(part)
        return b"".join(parts).decode(errors="replace")
    finally:
        os.close(file)
