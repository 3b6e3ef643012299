"""What the ring's core costs is taken from rounds in which figure and floor belong together."""

from pathlib import Path

import pytest

from bench import ring_core

NAMES = ("lines", "turn", "one-way", "batch-10", "batch-16", "lent", "allocation", "misses", "mprotect")


def said(unit: str, *, line: float, figure: float) -> dict[str, str]:
    return {"unit": unit, "line": str(line)} | dict.fromkeys(NAMES, str(figure))


def test_figure_and_floor_are_of_one_round() -> None:
    rounds = [said("cycles", line=line, figure=figure) for line, figure in [(100, 90), (400, 40), (200, 100)]]
    row = next(row for row in ring_core.rows(rounds) if row.id == "ring.c.one-way")
    assert (row.ours, row.floor) == (100, 200)
    assert row.met


def test_cycles_of_the_sketch_are_beside_no_other_unit() -> None:
    assert {row.peer for row in ring_core.rows([said("ns", line=50, figure=20)]) if row.unit == "ns"} == {None}


def test_keys_have_a_row_where_the_processor_has_them() -> None:
    without = said("cycles", line=100, figure=20)
    assert {row.id for row in ring_core.rows([without | {"keys": "58"}])} - {
        row.id for row in ring_core.rows([without])
    } == {"ring.c.keys"}


@pytest.mark.slow
def test_the_core_is_measured_here(tmp_path: Path) -> None:
    rows = {row.id: row for row in ring_core.cores_alone(tmp_path, rounds=1, messages=2000)}
    assert len(rows) - ("ring.c.keys" in rows) == 9
    assert min(row.ours for row in rows.values()) > 0
