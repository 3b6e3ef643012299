"""Versions: normal form only, and packaging's order."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.version import Version

from exod.package.versions import contains, is_range, is_version, precedes

NUMBERS = st.integers(0, 12).map(str)
RELEASES = st.lists(NUMBERS, min_size=1, max_size=4).map(".".join)
TAILS = st.sampled_from(["", "a1", "b0", "rc2", ".post0", ".post3", ".dev1", "rc1.dev2", "a1.post2.dev0"])
VERSIONS = st.builds(lambda release, tail: release + tail, RELEASES, TAILS)


@pytest.mark.parametrize("text", ["0", "1.0.0", "1.0rc1", "2024.1.post2", "1.0.dev3", "999999999"])
def test_normal_versions_are_versions(text: str) -> None:
    assert is_version(text)
    assert str(Version(text)) == text


@pytest.mark.parametrize(
    "text",
    ["", "v1", "1.0-1", "1.0+local", "99!0", "1.00", "01", "1.0.RC1", "1.0 ", "1.0\n", "1..0", "latest", "1.0alpha1"]
    + ["\u0661.0", "1" * 10, "1." * 32 + "0", "1.0/../2"],
)
def test_other_spellings_epochs_and_local_parts_are_not(text: str) -> None:
    assert not is_version(text)


@settings(derandomize=True, max_examples=300, deadline=None)
@given(VERSIONS, VERSIONS)
def test_the_order_is_that_of_pep_440(left: str, right: str) -> None:
    assert is_version(left)
    assert precedes(left, right) is (Version(left) < Version(right))


@pytest.mark.parametrize("text", [">=1.2,<2", ">=1.2, <2", "==1.*", "~=1.4", "!=1.3", "<=2.0rc1"])
def test_ranges_are_ranges(text: str) -> None:
    assert is_range(text)


@pytest.mark.parametrize(
    "text", ["", "1.0", "===1.0", ">= 1", ">=1,", ">=1.*", "~=1", ">1!0", ">=1;x", ">=1 ,<2", ">" * 300]
)
def test_other_texts_are_no_ranges(text: str) -> None:
    assert not is_range(text)


def test_a_range_admits_what_lies_inside() -> None:
    assert contains(">=1.2,<2", "1.9.9")
    assert contains(">=1.2,<2", "1.3rc1")
    assert not contains(">=1.2,<2", "2.0")
