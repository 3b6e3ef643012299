"""One sender gets so much and no more, and no sender costs memory for ever."""

import pytest

from exod.dbus.caps import Caps, Meter
from exod.dbus.failures import Standard


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


CAPS = Caps(in_flight=2, rate=10.0, burst=5.0, senders=8)


def test_a_burst_passes_then_calls_come_at_the_rate() -> None:
    clock = Clock()
    meter = Meter(CAPS, now=clock)
    for _ in range(5):
        meter.admit(":1.1")
    with pytest.raises(Standard, match="more than 10 a second") as caught:
        meter.admit(":1.1")
    assert caught.value.name == "LimitsExceeded"
    meter.admit(":1.2")
    clock.now += 0.2
    meter.admit(":1.1")


def test_a_denial_counts_as_many_calls() -> None:
    meter = Meter(CAPS, now=Clock())
    meter.admit(":1.1")
    meter.charge(":1.1", 10)
    with pytest.raises(Standard, match="LimitsExceeded|more than"):
        meter.admit(":1.1")


def test_calls_in_flight_are_counted_until_they_end() -> None:
    meter = Meter(CAPS, now=Clock())
    ends = [meter.begin(":1.1"), meter.begin(":1.1")]
    with pytest.raises(Standard, match="not answered"):
        meter.begin(":1.1")
    ends[0]()
    meter.begin(":1.1")


def test_quiet_senders_are_forgotten_first_and_busy_ones_never() -> None:
    clock = Clock()
    meter = Meter(CAPS, now=clock)
    meter.begin(":busy")
    for number in range(100):
        clock.now += 1
        meter.admit(f":1.{number}")
    assert len(meter._senders) <= CAPS.senders
    assert ":busy" in meter._senders
    assert ":1.99" in meter._senders
