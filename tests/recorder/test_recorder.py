"""The recorder's store is killed at any point; half an hour of hostpulse is small and comes back. The soak does it a
hundred times, and for a day.
"""

from pathlib import Path

import pytest

from tests.recorder import day, kills

KILLS = 12
HALF_AN_HOUR = 1800


@pytest.mark.slow
def test_no_kill_loses_or_changes_what_was_flushed(tmp_path: Path) -> None:
    found = list(kills.run(tmp_path, KILLS))
    assert [row["lost"] + row["violations"] + row["residue"] for row in found] == [[]] * KILLS
    assert all(row["killed"] for row in found)
    assert {row["by"] for row in found} == {"itself", "another"}
    assert found[-1]["rows"] > 1000


@pytest.mark.slow
def test_half_an_hour_of_hostpulse_is_small_and_comes_back_to_the_last_bit(tmp_path: Path) -> None:
    found = day.live(tmp_path, HALF_AN_HOUR)
    assert found["violations"] == []
    assert found["figures"]["values"] == HALF_AN_HOUR * found["figures"]["series"]
    assert found["figures"]["series"] == 17
