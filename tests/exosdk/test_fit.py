"""Which plain values are of a declared type."""

from typing import Any

import pytest

from exosdk.fit import DEPTH_MAX, check, fits
from exosdk.signature import MalformedError

DEEP: Any = 1
for _ in range(DEPTH_MAX + 2):
    DEEP = [DEEP]


@pytest.mark.parametrize(
    ("type_", "good", "bad"),
    [
        ("y", [0, 255], [-1, 256, True, "1", 1.0, None]),
        ("n", [-(1 << 15), (1 << 15) - 1], [1 << 15, -(1 << 15) - 1]),
        ("q", [0, (1 << 16) - 1], [-1, 1 << 16]),
        ("i", [-(1 << 31), (1 << 31) - 1], [1 << 31, False]),
        ("u", [0, (1 << 32) - 1], [-1, 1 << 32]),
        ("x", [-(1 << 63), (1 << 63) - 1], [1 << 63]),
        ("t", [0, (1 << 64) - 1], [-1, 1 << 64]),
        ("b", [True, False], [0, 1, "true", None]),
        ("d", [0.5, 3], [True, "0.5", None]),
        ("s", ["", "ä"], [b"", 1, None, ["s"]]),
        ("as", [[], ["a"], ("a",)], ["a", [1], {"a": "b"}, None]),
        ("ay", [b"ab", [1, 2]], ["ab", [256]]),
        ("a{sv}", [{}, {"a": 1, "b": ["c"]}], [{1: 2}, [("a", 1)], {"a": None}]),
        ("a{si}", [{"a": 1}], [{"a": "b"}]),
        ("(si)", [("a", 1), ["a", 1]], [("a",), ("a", 1, 2), (1, "a"), "ab"]),
        ("a(sas)", [[("a", ["b"])]], [[("a", "b")]]),
        ("v", [1, "a", b"a", 1.5, True, [1, "a"], {"a": 1}, (1 << 64) - 1], [None, 1 << 64, {1: 1}, object(), DEEP]),
    ],
)
def test_a_value_fits_its_type_or_it_does_not(type_: str, good: list[Any], bad: list[Any]) -> None:
    assert [value for value in good if not fits(type_, value)] == []
    assert [value for value in bad if fits(type_, value)] == []


def test_arrays_within_arrays_end_somewhere() -> None:
    assert not fits("a" * (DEPTH_MAX + 2) + "i", DEEP)


def test_values_are_as_many_as_declared_and_the_first_that_is_wrong_is_named() -> None:
    check("sai", ["a", [1]])
    with pytest.raises(MalformedError, match="there are 1 values, declared are 2"):
        check("sai", ["a"])
    with pytest.raises(MalformedError, match="not of the declared type ai"):
        check("sai", ["a", ["b"]])
