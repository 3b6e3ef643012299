"""The recorder in this process: what it takes, keeps, answers, refuses and counts."""

import errno
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from exosdk.testing import InProcess

HERE = Path(__file__).parents[1]
BUSY = "hostpulse/host.cpu.busy"


@dataclass
class Message:
    topic: str
    data: bytes
    timestamp: float


class Recording:
    """A recorder, and what is published to it."""

    def __init__(self, plugin: InProcess) -> None:
        self.plugin = plugin

    def publish(self, value: Any, *, topic: str = "hostpulse/host", at: float | None = None) -> None:
        data = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.plugin.object._take(Message(topic, data, self.plugin.clock.time() if at is None else at))

    def samples(self, count: int) -> float:
        """One a second; when the first one was."""
        began: float = self.plugin.clock.time()
        for number in range(count):
            self.publish({"cpu.busy": number})
            self.plugin.advance(1.0)
        return began

    def values(self, series: str = BUSY, first: float = 0.0, last: float = 0.0, most: int = 0) -> list[float]:
        return [mean for _, _, mean, _ in self.plugin.call("Query", series, first, last, most)]


@pytest.fixture(autouse=True)
def patterns(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    found: list[str] = []
    monkeypatch.setattr("exosdk.Context.subscribe", lambda self, pattern, then: found.append(pattern))
    return found


@contextmanager
def started(directory: Path | str, **config: Any) -> Iterator[InProcess]:
    with InProcess(HERE, state_dir=directory, config=config) as plugin:
        plugin.start()
        try:
            yield plugin
        finally:
            plugin.stop()


@pytest.fixture
def recording(tmp_path: Path) -> Iterator[Recording]:
    with started(tmp_path) as plugin:
        yield Recording(plugin)


def test_what_is_published_can_be_asked_for(recording: Recording) -> None:
    began = recording.samples(5)
    assert recording.plugin.call("Query", BUSY, 0.0, 0.0, 0) == [
        [began + number, number, number, number] for number in range(5)
    ]
    assert recording.values(first=began + 1, last=began + 3) == [1, 2, 3]


def test_a_number_alone_is_a_series_too(recording: Recording) -> None:
    recording.publish(20.5, topic="heat/outside")
    assert recording.values("heat/outside") == [20.5]


def test_many_values_are_gathered_to_as_many_points_as_were_asked_for(recording: Recording) -> None:
    began = recording.plugin.clock.time()
    for number in range(5000):
        recording.publish(number, topic="a/b", at=began + number)
    found = recording.plugin.call("Query", "a/b", 0.0, 0.0, 50)
    assert len(found) == 50
    assert (found[0][1], found[-1][3]) == (0, 4999)
    assert len(recording.values("a/b")) == len(recording.values("a/b", most=4_000_000_000)) == 1000


def test_the_answer_of_the_largest_query_fits_a_message(recording: Recording) -> None:
    for number in range(2000):
        recording.publish(number / 3, topic="a/b", at=recording.plugin.clock.time() + number / 7)
    assert len(recording.plugin.call("Query", "a/b", 0.0, 0.0, 0)) == 1000


def test_the_list_of_the_most_and_longest_series_fits_a_message(recording: Recording) -> None:
    for message in range(4):
        recording.publish(
            {f"{message}-{number}-{'x' * 50}": 1 for number in range(64)}, topic=f"a{message}/" + "b" * 55
        )
    rows = recording.plugin.call("Series")
    assert len(rows) == 256
    assert max(len(row[0]) for row in rows) > 110


def test_series_are_listed_with_their_span_and_number(recording: Recording) -> None:
    began = recording.samples(3)
    recording.publish(1, topic="a/b", at=began - 10)
    assert recording.plugin.call("Series") == [["a/b", began - 10, began - 10, 1], [BUSY, began, began + 2, 3]]


@pytest.mark.parametrize(("first", "last"), [(-1.0, 0.0), (0.0, -5.0), (float("nan"), 0.0), (0.0, 1e300)])
def test_a_range_that_is_none_is_refused(recording: Recording, first: float, last: float) -> None:
    recording.samples(1)
    with pytest.raises(ValueError, match="range"):
        recording.values(first=first, last=last)


def test_a_series_that_nobody_published_is_refused_and_an_empty_range_is_empty(recording: Recording) -> None:
    began = recording.samples(3)
    with pytest.raises(LookupError, match="there is no series a/b"):
        recording.values("a/b")
    assert recording.values(first=began + 100, last=began + 200) == []


def test_a_range_with_too_many_values_is_refused(recording: Recording, monkeypatch: pytest.MonkeyPatch) -> None:
    began = recording.samples(20)
    monkeypatch.setattr(sys.modules["recorder"], "MOST_VALUES", 10)
    with pytest.raises(ValueError, match="ask for a shorter one"):
        recording.values()
    assert recording.values(last=began - 1) == []


def test_it_is_all_there_after_a_restart(tmp_path: Path) -> None:
    with started(tmp_path) as plugin:
        Recording(plugin).samples(3)
        plugin.stop()
        plugin.start()
        assert Recording(plugin).values() == [0, 1, 2]
    with started(tmp_path) as plugin:
        assert Recording(plugin).values() == [0, 1, 2]
        assert plugin.get("Samples") == 3


def test_a_second_after_it_came_it_is_on_disk(tmp_path: Path) -> None:
    with InProcess(HERE, state_dir=tmp_path) as killed:
        killed.start()
        Recording(killed).publish({"cpu.busy": 1})
        killed.advance(1.0)
        Recording(killed).publish({"cpu.busy": 2})
        assert (killed.get("Received"), killed.get("Flushed")) == (2, 1)
        killed.object._store.close()
        with started(tmp_path) as after:
            assert Recording(after).values() == [1]


def test_what_is_refused_is_counted_by_reason(recording: Recording) -> None:
    recording.publish(b"no json")
    recording.publish({"A": 1})
    recording.publish({})
    recording.publish(1, at=-1.0)
    recording.publish(1, at=float("nan"))
    recording.publish(1)
    refused = recording.plugin.get("Refused")
    assert refused == {"not-numbers": 1, "name": 1, "too-many": 1, "time": 2, "full": 0}
    assert recording.plugin.get("Received") == 6
    assert recording.plugin.get("Samples") == 1


def test_more_series_than_it_keeps_are_refused(recording: Recording) -> None:
    for number in range(300):
        recording.publish(1, topic=f"a{number % 5}/b{number}")
    assert recording.plugin.get("Refused")["full"] == 44
    assert len(recording.plugin.call("Series")) == 256


def test_its_figures_are_announced_each_second_if_they_changed(recording: Recording) -> None:
    recording.plugin.changes.clear()
    recording.samples(1)
    recording.plugin.advance(3.0)
    (change,) = recording.plugin.changes
    assert (change["Samples"], change["Received"]) == (1, 1)
    assert change["Bytes"] > 0


def test_it_subscribes_to_each_pattern_of_its_setting(tmp_path: Path, patterns: list[str]) -> None:
    with started(tmp_path, topics="hostpulse/* */heat"):
        pass
    assert patterns == ["hostpulse/*", "*/heat"]


def test_without_a_state_directory_it_says_that_nothing_is_kept() -> None:
    with started("") as plugin:
        Recording(plugin).publish(1)
        assert "no state directory" in plugin.hook("health")
        assert plugin.get("Refused")["full"] == 1
        assert plugin.call("Series") == []
        with pytest.raises(LookupError, match="nothing is recorded"):
            Recording(plugin).values()


def test_without_the_permission_it_says_that_nothing_is_received(tmp_path: Path, patterns: list[str]) -> None:
    with InProcess(HERE, state_dir=tmp_path) as plugin:
        plugin._context.permissions = {}
        plugin.start()
        assert "ipc was not granted" in plugin.hook("health")
        plugin.stop()
    assert patterns == []


def test_a_full_disk_is_said_and_nothing_is_lost_when_there_is_room_again(
    recording: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(os, "pwrite", full)
        recording.samples(3)
        assert recording.plugin.hook("health") == "cannot write: No space left on device"
    recording.plugin.advance(1.0)
    assert recording.plugin.hook("health") == ""
    assert recording.plugin.log[-2:] == ["cannot write: No space left on device", "can write again"]
    assert recording.values() == [0, 1, 2]


def test_a_smaller_bound_takes_effect_at_once(recording: Recording) -> None:
    recording.plugin.configure(bytes=4 << 20)
    assert recording.plugin.object._store._segments.most < 4 << 20


def test_a_flood_is_written_before_the_second_is_over(recording: Recording) -> None:
    for number in range(20_000):
        recording.publish(number % 10, topic="a/b")
    assert recording.plugin.get("Refused")["full"] == 0
    assert recording.plugin.get("Samples") == 20_000
