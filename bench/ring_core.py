"""The ring's core without Python: compiled here, run between two cores → rows beside a line of cache and the sketch.

The sketch is the design that this ring follows, with what it promised in cycles; its machine is not known. A cycle is
one of the time stamp counter. Where lines lie moves with the hypervisor's mood, so figures of one round go together.
"""

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.rows import Aim, Row, at_most, near_floor

SOURCE = Path(__file__).with_suffix(".c")
SKETCH = "the sketch"
Figures = Mapping[str, float]


def cores_alone(directory: Path, *, rounds: int, messages: int = 100_000) -> list[Row]:
    program = directory / "ring-core"
    subprocess.run(["gcc", "-std=gnu11", "-O2", str(SOURCE), "-o", str(program), "-pthread"], check=True)
    cores = sorted(os.sched_getaffinity(0))
    command = [str(program), str(cores[0]), str(cores[-1]), str(messages)]
    said = [subprocess.run(command, check=True, capture_output=True, text=True).stdout for _ in range(rounds)]
    return rows([dict(line.split(maxsplit=1) for line in one.splitlines()) for one in said])


def rows(said: Sequence[Mapping[str, str]]) -> list[Row]:
    unit = said[0]["unit"]
    rounds = [{name: float(figure) for name, figure in one.items() if name != "unit"} for one in said]

    def row(name: str, sketch: float | None, *, floor: str | None = None, aim: Aim | None = None) -> Row:
        typical = _typical(rounds, name, floor)
        peer = sketch if unit == "cycles" else None
        below = typical[floor] if floor else None
        return Row(f"ring.c.{name}", typical[name], unit, peer, SKETCH if peer else None, below, aim)

    searched = _typical(rounds, "misses", None)["misses"]
    return [
        row("lines", None, floor="line"),
        row("turn", 400.0, floor="lines", aim=near_floor(1.15)),
        row("one-way", 400.0, floor="line", aim=near_floor(1.15)),
        row("batch-10", 150.0, floor="line"),
        row("batch-16", 150.0, floor="line", aim=near_floor(0.2)),
        row("lent", 800.0, floor="line"),
        row("allocation", 8.0),
        Row("ring.c.searched", searched, "%", 5.0, SKETCH, None, at_most(5.0)),
        row("mprotect", None),
        *([row("keys", None)] if "keys" in rounds[0] else []),
    ]


def _typical(rounds: Sequence[Figures], name: str, floor: str | None) -> Figures:
    """The round whose figure is the median, seen from the floor of the same round."""
    return sorted(rounds, key=lambda one: one[name] / (one[floor] if floor else 1.0))[(len(rounds) - 1) // 2]
