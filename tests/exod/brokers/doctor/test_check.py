"""The table of checks itself: enough of them, each said in full, and none that can only be believed."""

import re

import pytest

from exod.brokers.doctor.check import Level, ok, unknown, warning, wrong
from exod.brokers.doctor.table import CHECKS


def test_there_are_more_than_twenty_and_none_twice() -> None:
    assert len(CHECKS) > 40
    assert len({check.id for check in CHECKS}) == len(CHECKS)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.id)
def test_a_check_says_what_ought_to_be_what_its_lack_costs_and_why(check: object) -> None:
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", check.id)  # type: ignore[attr-defined]
    for words in (check.title, check.cost, check.why):  # type: ignore[attr-defined]
        assert len(words.split()) >= 3
        assert "\n" not in words


def test_each_verdict_has_its_level() -> None:
    assert [one("x").level for one in (ok, warning, wrong, unknown)] == list(Level)
