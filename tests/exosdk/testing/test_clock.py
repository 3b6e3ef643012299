"""Time that stands still."""

from exosdk.testing import FakeClock


def test_both_times_move_only_when_told() -> None:
    clock = FakeClock(wall=100.0)
    assert (clock.time(), clock.monotonic()) == (100.0, 0.0)
    clock.advance(2.5)
    assert (clock.time(), clock.monotonic()) == (102.5, 2.5)
