"""A row's ratio and aim are computed from what is shown, and a missed aim cannot look met."""

import pytest

from bench.rows import Aim, Row, at_most, faster_by, median, near_floor, percentile, table


def test_the_ratio_says_how_many_times_less_we_need() -> None:
    assert Row("load", 4.0, "ms", 32.0, "bwrap").ratio == 8.0
    assert Row("load", 4.0, "ms").ratio is None


@pytest.mark.parametrize(
    ("ours", "peer", "aim", "met"),
    [
        (5.0, None, at_most(5.0), True),
        (5.001, None, at_most(5.0), False),
        (4.0, 32.0, faster_by(8.0), True),
        (4.0, 31.9, faster_by(8.0), False),
        (4.0, None, faster_by(8.0), False),
        (4.0, 32.0, None, None),
    ],
)
def test_an_aim_is_met_or_missed_and_never_rounded(
    ours: float, peer: float | None, aim: Aim | None, met: bool | None
) -> None:
    assert Row("load", ours, "ms", peer, "bwrap", None, aim).met is met


@pytest.mark.parametrize(("ours", "floor", "met"), [(1.15, 1.0, True), (1.16, 1.0, False), (1.0, None, False)])
def test_how_near_its_floor_a_figure_is_can_be_an_aim(ours: float, floor: float | None, met: bool) -> None:
    assert Row("load", ours, "ms", None, None, floor, near_floor(1.15)).met is met


def test_a_percentile_is_a_sample_that_was_seen() -> None:
    samples = [float(number) for number in range(1, 101)]
    assert percentile(samples, 0.99) == 99.0
    assert median(samples) == 50.0
    assert percentile([7.0], 0.5) == 7.0


def test_a_row_on_disk_has_exactly_the_fields_of_the_format() -> None:
    row = Row("load", 4.12345, "ms", 32.0, "bwrap", 0.5, faster_by(8.0)).as_json()
    assert list(row) == ["id", "ours", "unit", "peer", "peer_name", "ratio", "floor", "aim"]
    assert row["ours"] == 4.123
    assert row["aim"] == {"of": "ratio", "op": ">=", "value": 8.0}


def test_the_table_says_missed_where_an_aim_was_missed() -> None:
    met, missed = Row("a", 1.0, "ms", aim=at_most(2.0)), Row("b", 3.0, "ms", aim=at_most(2.0))
    _, first, second = table([met, missed]).splitlines()
    assert first.rstrip().endswith("ours <= 2 met")
    assert second.rstrip().endswith("ours <= 2 MISSED")
