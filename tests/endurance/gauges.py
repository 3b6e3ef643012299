"""What a process holds of the host, looked at again and again → whether it holds more late than it did early on."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

SLACK = {"rss": 2_048, "fds": 2, "threads": 1}
"""By so much the late median may exceed the early one: KiB for what an allocator keeps, a descriptor that is just open.
A leak of one page, descriptor or thread in a hundred turns is more than that after some thousand."""


@dataclass(frozen=True, slots=True)
class Gauge:
    """KiB resident, open descriptors, threads."""

    rss: int
    fds: int
    threads: int


def look(pid: int) -> Gauge:
    rows = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return Gauge(int(rows["VmRSS"].split()[0]), len(list(Path(f"/proc/{pid}/fd").iterdir())), int(rows["Threads"]))


def windows(seen: Sequence[Gauge]) -> dict[str, list[float]]:
    """Of each figure: the median of the second fifth, when everything was warm, and of the last."""
    fifth = max(1, len(seen) // 5)
    early, late = seen[fifth : 2 * fifth], seen[-fifth:]
    return {name: [statistics.median(getattr(one, name) for one in some) for some in (early, late)] for name in SLACK}


def grown(seen: Sequence[Gauge]) -> list[str]:
    """What is not flat."""
    return [
        f"{name} grew from {early:g} to {late:g}"
        for name, (early, late) in windows(seen).items()
        if late > early + SLACK[name]
    ]
