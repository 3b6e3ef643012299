"""The floors of `make test` are judged by room, and a room that vanished does not pass for covered."""

from pathlib import Path

import pytest

from tests import __main__ as runner

FULL = dict.fromkeys(runner.CORE, 100.0)


@pytest.mark.parametrize("room", runner.CORE)
def test_a_room_that_decides_needs_nine_lines_of_ten(room: str) -> None:
    assert runner.judge(FULL | {room: 89.9}) == 1
    assert runner.judge(FULL | {room: 90.0}) == 0


def test_the_other_rooms_need_a_little_less() -> None:
    assert runner.judge(FULL | {"exod/dbus": 85.0, "exoctl": 85.0}) == 0
    assert runner.judge(FULL | {"exod/dbus": 85.0, "exoctl": 84.9}) == 1


def test_a_room_without_any_figure_is_below_its_floor() -> None:
    assert runner.judge(dict.fromkeys(runner.CORE[1:], 100.0)) == 1


def test_lines_and_branches_of_a_room_are_added_up() -> None:
    half = {"summary": {"covered_lines": 5, "covered_branches": 0, "num_statements": 8, "num_branches": 2}}
    full = {"summary": {"covered_lines": 10, "covered_branches": 0, "num_statements": 10, "num_branches": 0}}
    assert runner.rooms({"exod/plan/a.py": half, "exod/plan/b.py": full, "exod/names.py": full}) == {
        "exod": 100.0,
        "exod/plan": 75.0,
    }
    assert runner.room_of(Path("exoctl/plugin/load.py")) == "exoctl"
