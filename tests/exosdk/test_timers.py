"""Functions to call again and again."""

import pytest

from exosdk.timers import Timers


def noop() -> None:
    return None


def test_a_timer_is_due_after_its_interval_and_then_again() -> None:
    timers = Timers()
    timer = timers.every(2.0, noop, now=10.0)
    assert timers.wait(11.0) == 1.0
    assert timers.take(11.0) is None
    assert timers.take(12.0) is timer
    assert timers.wait(12.0) == 2.0


def test_the_earliest_comes_first() -> None:
    timers = Timers()
    slow, quick = timers.every(5.0, noop, now=0.0), timers.every(1.0, noop, now=0.0)
    assert [timers.take(5.0), timers.take(5.0), timers.take(5.0)] == [quick, slow, None]


def test_missed_calls_are_not_made_up_for() -> None:
    timers = Timers()
    timers.every(1.0, noop, now=0.0)
    timers.take(100.0)
    assert timers.wait(100.0) == 1.0


def test_a_cancelled_timer_is_never_due() -> None:
    timers = Timers()
    timer = timers.every(1.0, noop, now=0.0)
    timer.cancel()
    timer.cancel()
    assert (timer.active, timers.wait(0.0), timers.take(5.0)) == (False, None, None)


def test_clearing_cancels_all() -> None:
    timers = Timers()
    timer = timers.every(1.0, noop, now=0.0)
    timers.clear()
    assert (timer.active, timers.wait(0.0)) == (False, None)


@pytest.mark.parametrize("seconds", [0.0, -1.0, 0.001, float("nan")])
def test_an_interval_that_is_too_short_is_refused(seconds: float) -> None:
    with pytest.raises(ValueError, match="at least"):
        Timers().every(seconds, noop, now=0.0)
