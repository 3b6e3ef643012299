"""When a crashed plugin starts again, and when it does not."""

import pytest

from exod.errors import Refusal
from exod.supervisor.plugin import Crash
from exod.supervisor.restart import BASE, CEILING, JITTER, LOOP, WINDOW, Again, decide, recent, weight


def crashes(count: int, *, uid: int | None = None) -> list[Crash]:
    return [Crash(float(number), uid) for number in range(count)]


def after(count: int, **how: int | None) -> Again | Refusal:
    return decide("hello", crashes(count, **how), now=float(count), chance=0.0)


def test_a_lone_crash_is_repaired_at_once() -> None:
    assert after(1) == Again(1, 0.0)


@pytest.mark.parametrize("count", range(2, LOOP))
def test_the_second_waits_and_each_further_one_doubles_it(count: int) -> None:
    assert after(count) == Again(count, BASE * 2 ** (count - 2))


def test_a_loop_is_a_verdict() -> None:
    found = after(LOOP)
    assert isinstance(found, Refusal)
    assert (found.code, f"{LOOP} times" in found.sentence) == ("crash-loop", True)


def test_crashes_in_one_uids_calls_count_once_and_only_slow_the_restarts_down() -> None:
    assert after(40, uid=1000) == Again(40, CEILING)
    assert weight(crashes(40, uid=1000)) == 1


def test_crashes_in_the_calls_of_many_are_the_plugins_own() -> None:
    mixed = [Crash(1.0, uid) for uid in range(LOOP)]
    assert isinstance(decide("hello", mixed, now=1.0, chance=0.0), Refusal)


def test_own_crashes_count_beside_those_of_one_caller() -> None:
    assert weight([*crashes(LOOP - 1), Crash(1.0, 7), Crash(1.0, 7)]) == LOOP


def test_the_past_is_forgotten() -> None:
    old = crashes(LOOP)
    assert recent(old, now=LOOP + WINDOW) == ()
    assert decide("hello", old, now=LOOP + WINDOW, chance=0.0) == Again(1, 0.0)


@pytest.mark.parametrize("chance", [-1.0, 1.0])
def test_chance_moves_the_wait_by_its_share(chance: float) -> None:
    found = decide("hello", crashes(2), now=2.0, chance=chance)
    assert found == Again(2, pytest.approx(BASE * (1 + JITTER * chance)))
