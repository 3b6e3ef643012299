"""What the kernel says of a fleet, whatever exod says: parents, groups, processor time."""

import contextlib
from pathlib import Path


def used_by(pid: int) -> float:
    """Seconds of processor time, of all its threads."""
    return sum(int(path.read_text().split()[0]) for path in Path(f"/proc/{pid}/task").glob("*/schedstat")) / 1e9


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def instances_of(keeper: int) -> dict[int, int]:
    """pid → instance by the kernel: the keeper's children that are in a group of an instance."""
    found = {}
    for pid in map(int, Path(f"/proc/{keeper}/task/{keeper}/children").read_text().split()):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            group = Path(f"/proc/{pid}/cgroup").read_text().strip().rpartition("/")[2]
            if group.startswith("i-"):
                found[pid] = int(group[2:])
    return found
