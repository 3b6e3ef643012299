"""THREATS 10–16 and 36–44: every attempt of the catalogue in real sandboxes, with its walls and without them."""

import asyncio
import re
from pathlib import Path

import pytest

from tests.security.hostile import layers
from tests.security.hostile.catalogue import EVERY
from tests.security.hostile.elsewhere import unhurried
from tests.security.hostile.house import compiled
from tests.security.hostile.page import page
from tests.security.hostile.trial import Verdict, verdicts

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
PAGE = Path(__file__).resolve().parents[2] / "docs/threat-model.md"
LINES = {*range(10, 17), *range(36, 45)}
NAMES = [attempt.name for attempt in EVERY]


@pytest.fixture(scope="module")
def tried(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Verdict]:
    """One run for all of this file, with the deadlines that slower hosts need; it fails by itself when anything of it
    is left on this host.
    """
    tools = compiled(tmp_path_factory.mktemp("tools"))
    with unhurried():
        return {verdict.attempt.name: verdict for verdict in asyncio.run(verdicts(EVERY, tools))}


@pytest.mark.parametrize("name", NAMES)
def test_with_all_walls_it_is_stopped(tried: dict[str, Verdict], name: str) -> None:
    assert not tried[name].full.succeeded


@pytest.mark.parametrize("name", NAMES)
def test_without_the_walls_that_stop_it_it_succeeds(tried: dict[str, Verdict], name: str) -> None:
    assert tried[name].open.succeeded, tried[name].open.why


@pytest.mark.parametrize("name", [attempt.name for attempt in EVERY if len(attempt.stopped_by) > 1])
def test_each_of_its_walls_stops_it_by_itself(tried: dict[str, Verdict], name: str) -> None:
    assert tried[name].holes == []


@pytest.mark.parametrize("wall", sorted(layers.MEANING))
def test_a_wall_is_needed_by_an_attempt_that_succeeds_without_it(tried: dict[str, Verdict], wall: str) -> None:
    """Where it is one of several, with the others left out too: it alone made the difference."""
    assert [verdict for verdict in tried.values() if wall in verdict.attempt.stopped_by and verdict.open.succeeded]


def test_whom_the_filter_ends_is_said_to_be_ended_by_it(tried: dict[str, Verdict]) -> None:
    """A kernel without calls of 32 bits ends who makes one by itself."""
    assert tried["t41-call-by-the-x32-entry"].full.why == "it was ended: seccomp"


def test_the_page_is_what_the_run_gives(tried: dict[str, Verdict]) -> None:
    assert PAGE.read_text(encoding="utf-8") == page([*tried.values()], within=len(layers.WITHIN)), "make threat-model"


def test_every_line_of_the_sandboxes_threats_is_tried() -> None:
    assert {attempt.threat for attempt in EVERY} == LINES


def test_there_are_at_least_eighty_attempts_of_different_names() -> None:
    assert len({*NAMES}) == len(NAMES) >= 80


def test_every_wall_of_a_confinement_has_a_meaning_and_every_attempt_names_walls() -> None:
    assert layers.WITHIN.keys() <= layers.MEANING.keys()
    nameless = [attempt for attempt in EVERY if not re.fullmatch(r"\S.{9,120}", attempt.tries)]
    aimless = [attempt for attempt in EVERY if not set() < {*attempt.stopped_by} <= layers.MEANING.keys()]
    assert [attempt.name for attempt in (*nameless, *aimless)] == []
