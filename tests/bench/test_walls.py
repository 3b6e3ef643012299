"""What the sandbox alone takes is measured on the sandbox itself, with its walls and without."""

from pathlib import Path

from bench import walls


def test_cold_starts_are_measured_with_and_without_walls(tmp_path: Path) -> None:
    rows = {row.id: row for row in walls.cold_starts(tmp_path, rounds=1)}
    assert rows["cold-start.p50"].ours > 0
    assert rows["cold-start.without-walls.p50"].ours > 0
