from random import Random

import pytest

from exoctl.braille import LABEL, Point, chart, dots, short


def single(*values: float) -> list[Point]:
    return [(float(time), value, value, value) for time, value in enumerate(values)]


def drawn(lines: list[str]) -> set[tuple[int, int]]:
    """x and y of every dot."""
    rows = ((1, 8), (2, 16), (4, 32), (64, 128))
    found = set()
    for row, line in enumerate(lines):
        for column, letter in enumerate(line[LABEL:]):
            cell = ord(letter) - 0x2800 if letter != " " else 0
            found |= {(2 * column + x, 4 * row + y) for y in range(4) for x in range(2) if cell & rows[y][x]}
    return found


def test_a_line_goes_from_corner_to_corner() -> None:
    lines = chart(single(0.0, 1.0), width=LABEL + 2, height=2)
    assert lines == ["        1 ┤ ⡜", "        0 ┤⡜"]
    assert drawn(lines) == {(0, 7), (0, 6), (1, 5), (1, 4), (2, 3), (2, 2), (3, 1), (3, 0)}


def test_the_axis_says_the_greatest_the_middle_and_the_least() -> None:
    lines = chart(single(0.0, 1000.0), width=40, height=9)
    assert [line[:LABEL] for line in lines if "┤" in line] == ["       1k ┤", "      500 ┤", "        0 ┤"]


def test_a_point_stands_from_its_least_to_its_greatest() -> None:
    found = drawn(chart([(0.0, 0.0, 5.0, 10.0), (1.0, 5.0, 5.0, 5.0)], width=30, height=5))
    assert {(0, y) for y in range(20)} <= found


def test_a_series_that_never_changes_runs_through_the_middle() -> None:
    found = drawn(chart(single(7.0, 7.0, 7.0), width=30, height=4))
    assert len({y for _, y in found}) == 1
    assert {x for x, _ in found} == set(range(dots(30)))


def test_a_gap_is_not_bridged() -> None:
    points = [(float(time), 1.0, 1.0, 1.0) for time in [*range(10), *range(90, 100)]]
    columns = {x for x, _ in drawn(chart(points, width=60, height=3))}
    assert not columns & set(range(20, 80))
    assert {0, dots(60) - 1} <= columns


@pytest.mark.parametrize("width", [1, 11, 20, 80, 300])
@pytest.mark.parametrize("seed", range(5))
def test_a_chart_fits_whatever_it_shows(seed: int, width: int) -> None:
    random = Random(seed)
    values = [random.choice((0.0, -5e-324, 1.7e308, -1.7e308, random.uniform(-9, 9))) for _ in range(50)]
    lines = chart(single(*values), width=width, height=6)
    assert len(lines) == 6
    assert max(map(len, lines)) <= max(width, LABEL + 1)
    assert drawn(lines)


def test_one_point_is_a_chart_too() -> None:
    assert len(drawn(chart(single(3.0), width=40, height=3))) == 1


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (0.0, "0"),
        (-1500.0, "-1.5k"),
        (5.12e9, "5.12G"),
        (999.96, "1k"),
        (1 / 3, "0.3333"),
        (1e30, "1.0e+30"),
        (-1.7e308, "-1.7e+308"),
        (-2e-5, "-2.0e-05"),
    ],
)
def test_a_number_is_short(number: float, said: str) -> None:
    assert short(number) == said
