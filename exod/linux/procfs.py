"""/proc/PID as values. A pid may be recycled between two reads: the caller holds its pidfd and looks at it after."""

import os

from exod.linux.descriptors import opened

NAMESPACES = ("user", "mnt", "pid", "net", "ipc", "uts", "cgroup")


def status(pid: int) -> dict[str, str]:
    rows = (line.partition(":") for line in _read(pid, "status").split("\n"))
    return {key: value.strip() for key, _, value in rows}


def filters(pid: int) -> int:
    """How many seccomp filters it has."""
    return int(status(pid)["Seccomp_filters"])


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


def mounts(pid: int | str = "self") -> list[tuple[str, str, str]]:
    """(mount id, where, type) of every mount the process sees; of fuse.sshfs only fuse. Whoever mounts chooses the
    name of the place, in which the kernel escapes no end of a line but \\n.
    """
    rows = (line.partition(" - ") for line in _read(pid, "mountinfo").split("\n")[:-1])
    fields = [(left.split(" "), right.split(" ")[0].partition(".")[0]) for left, _, right in rows]
    return [(left[0], left[4], kind) for left, kind in fields]


def executable(pid: int) -> list[str]:
    """Where those mounts lie that it sees and that are not noexec."""
    rows = (line.split(" ") for line in _read(pid, "mountinfo").split("\n")[:-1])
    return [row[4] for row in rows if "noexec" not in row[5].split(",")]


def mount_type(descriptor: int, *, seen_by: int | str = "self") -> str:
    """Of the mount that an own descriptor is on, by number, which asks no file; "" where `seen_by` does not see it. A
    device number would not do (btrfs has several).
    """
    rows = (line.split() for line in _read("self", f"fdinfo/{descriptor}").splitlines())
    number = next((row[1] for row in rows if row[0] == "mnt_id:"), "")
    return next((kind for found, _, kind in mounts(seen_by) if found == number), "")


def _read(pid: int | str, name: str) -> str:
    """Plain calls: a start reads several of these, and pathlib and buffered files cost more than the kernel does."""
    with opened(os.open(f"/proc/{pid}/{name}", os.O_RDONLY | os.O_CLOEXEC)) as file:
        parts = []
        while part := os.read(file, 1 << 16):
            parts.append(part)
        return b"".join(parts).decode(errors="replace")
