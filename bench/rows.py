"""Measured figures → rows of bench/latest.json, and the table for people. An aim is met or missed, never rounded."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_COMPARE: Mapping[str, Callable[[float, float], bool]] = {"<=": lambda a, b: a <= b, ">=": lambda a, b: a >= b}


@dataclass(frozen=True, slots=True)
class Aim:
    """What a row is meant to reach: `of` is `ours`, `ratio`, or `floor` for ours by the floor."""

    of: str
    op: str
    value: float


def at_most(value: float) -> Aim:
    return Aim("ours", "<=", value)


def faster_by(value: float) -> Aim:
    return Aim("ratio", ">=", value)


def near_floor(times: float) -> Aim:
    return Aim("floor", "<=", times)


@dataclass(frozen=True, slots=True)
class Row:
    """One figure. `peer` is the same job done by `peer_name`; `floor` what the kernel or a library alone needs for it.

    Every unit is a cost (time, memory): less is better, and `ratio` = peer / ours says how many times less we need.
    """

    id: str
    ours: float
    unit: str
    peer: float | None = None
    peer_name: str | None = None
    floor: float | None = None
    aim: Aim | None = None

    @property
    def ratio(self) -> float | None:
        return None if self.peer is None or not self.ours else self.peer / self.ours

    @property
    def met(self) -> bool | None:
        """Whether the aim is reached; None where there is none."""
        if self.aim is None:
            return None
        above = self.ours / self.floor if self.floor else None
        figure = {"ours": self.ours, "ratio": self.ratio, "floor": above}[self.aim.of]
        return figure is not None and _COMPARE[self.aim.op](figure, self.aim.value)

    def as_json(self) -> dict[str, Any]:
        aim = None if self.aim is None else {"of": self.aim.of, "op": self.aim.op, "value": self.aim.value}
        return {
            "id": self.id,
            "ours": _short(self.ours),
            "unit": self.unit,
            "peer": _short(self.peer),
            "peer_name": self.peer_name,
            "ratio": _short(self.ratio),
            "floor": _short(self.floor),
            "aim": aim,
        }


def percentile(samples: Sequence[float], share: float) -> float:
    """The sample that `share` of them do not exceed (nearest rank): always a value that was seen."""
    ordered = sorted(samples)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def median(samples: Sequence[float]) -> float:
    return percentile(samples, 0.5)


def table(rows: Sequence[Row]) -> str:
    """One line a row: figure, peer, ratio, floor, aim and whether it was met."""
    width = max([26, *(len(row.id) for row in rows)])
    lines = [f"{'row':{width}} {'ours':>10} {'unit':6} {'peer':>10} {'ratio':>7} {'floor':>9}  aim"]
    for row in rows:
        peer, ratio, floor = _cell(row.peer), _cell(row.ratio), _cell(row.floor)
        figures = f"{_cell(row.ours):>10} {row.unit:6} {peer:>10} {ratio:>7} {floor:>9}  {_aim(row)}"
        lines.append(f"{row.id:{width}} {figures}".rstrip() + (f"   [{row.peer_name}]" if row.peer_name else ""))
    return "\n".join(lines)


def _aim(row: Row) -> str:
    if row.aim is None:
        return "-"
    word = "met" if row.met else "MISSED"
    return f"{row.aim.of} {row.aim.op} {row.aim.value:g} {word}"


def _cell(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}" if value < 100 else f"{value:.0f}"


def _short(value: float | None) -> float | None:
    """Four significant digits: more would claim a precision that no run has."""
    return None if value is None else float(f"{value:.4g}")
