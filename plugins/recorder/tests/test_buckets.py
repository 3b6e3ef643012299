"""Many values become few points that lose neither the least, the greatest nor a gap."""

from collections.abc import Sequence
from random import Random

import pytest
from buckets import Point, points


def gathered(times: Sequence[float], values: Sequence[float], most: int) -> list[Point]:
    return points([(times, values, 1.0)], min(times, default=0), max(times, default=0), most)


def test_few_values_are_points_of_their_own() -> None:
    assert gathered([1000.0, 2500.0], [3.0, 4.0], 2) == [(1.0, 3.0, 3.0, 3.0), (2.5, 4.0, 4.0, 4.0)]
    assert gathered([], [], 5) == []


def test_many_values_are_gathered_by_stretches_of_the_same_length() -> None:
    times, values = [1000.0 * number for number in range(101)], [float(number) for number in range(101)]
    found = gathered(times, values, 10)
    assert len(found) == 10
    assert found[0] == (0.0, 0.0, 4.5, 9.0)
    assert found[-1] == (90.0, 90.0, 95.0, 100.0)


def test_a_gap_has_no_point() -> None:
    times = [*range(0, 1000, 100), *range(9000, 10_000, 100)]
    assert [time for time, *_ in gathered(times, [1.0] * 20, 10)] == [0.0, 9.0]


@pytest.mark.parametrize("seed", range(20))
def test_nothing_is_lost_or_made_up(seed: int) -> None:
    random = Random(seed)
    times = sorted(random.randrange(100_000) for _ in range(500))
    values = [random.uniform(-1e9, 1e9) for _ in times]
    most = random.randrange(1, 500)
    found = gathered(times, values, most)
    assert 0 < len(found) <= most
    assert min(least for _, least, _, _ in found) == min(values)
    assert max(greatest for *_, greatest in found) == max(values)
    assert all(least <= mean <= greatest for _, least, mean, greatest in found)
    assert [time for time, *_ in found] == sorted({time for time, *_ in found})


def test_numbers_that_are_too_large_to_add_up_have_a_mean() -> None:
    assert gathered([1.0, 2.0], [1.7e308, 1.6e308], 1) == [(0.001, 1.6e308, 1.7e308, 1.7e308)]


def test_values_of_one_moment_are_one_point() -> None:
    assert gathered([5.0] * 100, [1.0] * 50 + [3.0] * 50, 10) == [(0.005, 1.0, 2.0, 3.0)]


@pytest.mark.parametrize("seed", range(20))
def test_parts_in_any_order_give_what_the_whole_gives(seed: int) -> None:
    random = Random(seed)
    pairs = sorted((random.randrange(10_000), float(random.randrange(1 << 20))) for _ in range(300))
    times, values = [time for time, _ in pairs], [value for _, value in pairs]
    parts = [(times[at : at + 37], [8 * value for value in values[at : at + 37]], 8.0) for at in range(0, 300, 37)]
    random.shuffle(parts)
    for most in (1, 10, 100, 299):
        assert points(parts, times[0], times[-1], most) == gathered(times, values, most)
    assert [time for time, *_ in points(parts, times[0], times[-1], 300)] == [time / 1000 for time in times]
