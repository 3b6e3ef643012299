"""The ring's core without Python: compiled here, run between two cores → rows beside a line of cache and the sketch.

The sketch is the design that this ring follows, with what it promised in cycles; its machine is not known. A cycle is
one of the time stamp counter. Where lines lie moves with the hypervisor's mood, so figures of one round go together.
"""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from bench.rows import Row, at_most, near_floor

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


def rows(said: list[dict[str, str]]) -> list[Row]:
    units = {one.pop("unit") for one in said}
    (unit,) = units
    rounds = [{name: float(figure) for name, figure in one.items()} for one in said]
    # The sketch's figures are cycles, and no other unit's.
    sketch = (lambda figure: (figure, SKETCH)) if unit == "cycles" else (lambda _: (None, None))

    def row(name: str, promised: float | None, floor: str, most: float | None) -> Row:
        typical = _typical(rounds, name, floor)
        peer, peer_name = (None, None) if promised is None else sketch(promised)
        aim = None if most is None else near_floor(most)
        return Row(f"ring.c.{name}", typical[name], unit, peer, peer_name, typical[floor], aim)

    def alone(name: str, promised: float) -> Row:
        return Row(f"ring.c.{name}", sorted(one[name] for one in rounds)[len(rounds) // 2], unit, *sketch(promised))

    misses = sorted(one["misses"] for one in rounds)[len(rounds) // 2]
    return [
        row("lines", None, "line", None),
        row("turn", 400.0, "lines", 1.15),
        row("one-way", 400.0, "line", 1.15),
        row("batch-10", 150.0, "line", None),
        row("batch-16", 150.0, "line", 0.2),
        row("lent", 800.0, "line", None),
        alone("allocation", 8.0),
        Row("ring.c.searched", misses, "%", 5.0, SKETCH, None, at_most(5.0)),
    ]


def _typical(rounds: list[dict[str, float]], name: str, floor: str) -> Figures:
    """The round whose figure is the median, seen from the floor of the same round."""
    return sorted(rounds, key=lambda one: one[name] / one[floor])[(len(rounds) - 1) // 2]
