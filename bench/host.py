"""The machine a run was made on, and what processes on it cost: /proc → plain values."""

import os
import platform
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def machine() -> dict[str, str]:
    """What somebody needs to know before comparing a figure with theirs."""
    return {
        "cpu": _cpu(),
        "cores": str(os.cpu_count()),
        "memory": f"{os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') >> 30} GiB",
        "kernel": platform.release(),
        "python": platform.python_version(),
        "load": " ".join(f"{value:.2f}" for value in os.getloadavg()),
        "commit": commit(),
    }


def _cpu() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.machine())


def commit() -> str:
    """The commit that was measured; `+` when the tree differs from it."""
    if not (ROOT / ".git").exists():
        return "unknown"
    done = subprocess.run(["git", "describe", "--always", "--dirty=+"], cwd=ROOT, capture_output=True, text=True)
    return done.stdout.strip() or "unknown"


def uss(pid: int) -> float:
    """MiB that only this process holds: what would come free if it ended."""
    return sum(_rollup(pid, key) for key in ("Private_Clean", "Private_Dirty", "Private_Hugetlb")) / 1024


def rss(pid: int) -> float:
    """MiB resident, shared pages included."""
    return _rollup(pid, "Rss") / 1024


def _rollup(pid: int, key: str) -> int:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith(f"{key}:"):
            return int(line.split()[1])
    return 0
