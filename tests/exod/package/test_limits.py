"""Units of the `[limits]` table."""

import pytest

from exod.package.limits import TABLE, Limits, duration, percent, rate, size
from exod.package.malformed import MalformedError


def test_the_defaults_are_those_of_the_class() -> None:
    assert TABLE.read({}, at="limits") == Limits()


def test_every_unit_is_parsed() -> None:
    given = {"memory": "1G", "cpu": "150%", "io": "512K/s", "files": 32, "connections": 0, "tasks": 1}
    more = {"storage": "0", "call-time": "250ms", "run-time": "2h", "messages": "100/s"}
    expected = Limits(1 << 30, 150, 512 << 10, 32, 0, 1, 0, 0.25, 7200.0, 100)
    assert TABLE.read(given | more, at="limits") == expected


@pytest.mark.parametrize("text", ["64", "64M", "1024G", "0"])
def test_sizes_are_sizes(text: str) -> None:
    assert size(text) is not None


@pytest.mark.parametrize("text", ["64m", "64 M", "-1M", "1.5G", "064M", "1025G", "64MB", "", "9" * 20])
def test_other_texts_are_no_sizes(text: str) -> None:
    assert size(text) is None


def test_rates_shares_and_times_need_their_unit() -> None:
    assert rate("10M") is None
    assert rate("10M/s") == 10 << 20
    assert [percent(text) for text in ("20", "0%", "6401%", "20%")] == [None, None, None, 20]
    assert [duration(text) for text in ("5", "0s", "721h", "1d", "0")] == [None, None, None, None, 0.0]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("memory", "512K"),
        ("memory", 64),
        ("cpu", 20),
        ("files", "64"),
        ("files", True),
        ("files", 1),
        ("tasks", 0),
        ("call-time", "0"),
        ("messages", "0/s"),
        ("io", "0/s"),
        ("memmory", "64M"),
    ],
)
def test_a_wrong_limit_is_refused_by_name(key: str, value: object) -> None:
    with pytest.raises(MalformedError) as caught:
        TABLE.read({key: value}, at="limits")
    assert caught.value.key == f"limits.{key}"
