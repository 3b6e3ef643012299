"""hostpulse, in this process: against this host's own files, and against a host that lacks some."""

import itertools
import json
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from exosdk import Context
from exosdk.testing import InProcess

HERE = Path(__file__).parents[1]
NET = "header\nheader\n  eth0: 10 2 0 0 0 0 0 0 30 4 0 0 0 0 0 0\n"
PRESSURE = "some avg10=1.50 avg60=0.00 avg300=0.00 total=700\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=50\n"
FILES = {
    "/proc/stat": "cpu  10 0 10 80 0 0 0 0 0 0\ncpu0 1 0 1 8 0 0 0 0 0 0\nctxt 99\nprocesses 12\n",
    "/proc/meminfo": "MemTotal: 8 kB\nMemFree: 2 kB\nMemAvailable: 4 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n",
    "/proc/loadavg": "0.10 0.20 0.30 1/95 16357\n",
    "/proc/uptime": "1234.56 99.00\n",
    "/proc/pressure/cpu": PRESSURE,
    "/proc/pressure/memory": PRESSURE,
    "/proc/pressure/io": PRESSURE,
    "/proc/1/net/dev": NET,
}


class Host:
    """Files by path; a path that is not here is missing."""

    def __init__(self) -> None:
        self.files = dict(FILES)

    def read(self, path: str) -> str:
        if path not in self.files:
            raise FileNotFoundError(path)
        return self.files[path]


@pytest.fixture
def host() -> Host:
    return Host()


@pytest.fixture
def pulse(host: Host) -> Iterator[InProcess]:
    with InProcess(HERE) as loaded:
        loaded.object._read = host.read
        yield loaded


Sent = list[tuple[str, Any]]


@pytest.fixture(autouse=True)
def sent(monkeypatch: pytest.MonkeyPatch) -> Sent:
    """What was published: topic and payload."""
    found: Sent = []

    def publish(_: Context, topic: str, data: bytes) -> int:
        found.append((topic, json.loads(data)))
        return 0

    monkeypatch.setattr(Context, "publish", publish)
    return found


def get(pulse: InProcess, *names: str) -> list[Any]:
    return [pulse.get(name) for name in names]


def test_every_figure_comes_from_its_file(pulse: InProcess) -> None:
    pulse.start()
    assert get(pulse, "ContextSwitches", "Forks") == [99, 12]
    assert get(pulse, "MemoryTotal", "MemoryAvailable", "MemoryFree") == [8192, 4096, 2048]
    assert get(pulse, "Load1", "Load5", "Load15", "Uptime") == [0.1, 0.2, 0.3, 1234.56]
    assert get(pulse, "PressureIo", "StalledIo") == [1.5, {"some": 700, "full": 50}]
    assert pulse.get("Network") == {"eth0": [10, 2, 30, 4]}


def test_busy_is_the_share_of_time_since_the_last_sample(pulse: InProcess, host: Host) -> None:
    pulse.start()
    host.files["/proc/stat"] = "cpu  20 0 20 160 0 0 0 0 0 0\nctxt 100\nprocesses 12\n"
    pulse.call("Sample")
    assert pulse.get("CpuBusy") == 20.0


def test_it_samples_once_a_second_and_announces_what_changed(pulse: InProcess, host: Host) -> None:
    pulse.start()
    host.files["/proc/loadavg"] = "9.00 0.20 0.30 1/95 16357\n"
    pulse.advance(1.0)
    assert pulse.get("Samples") == 2
    assert pulse.changes[-1] == {"CpuBusy": 0.0, "Load1": 9.0, "SampledAt": pulse.clock.time(), "Samples": 2}


def test_a_short_interval_does_not_announce_more_than_once_a_second(pulse: InProcess) -> None:
    pulse.start()
    pulse.configure(interval=0.1)
    pulse.advance(3.05)
    assert pulse.get("Samples") == 31
    times = [change["SampledAt"] for change in pulse.changes]
    assert len(times) >= 3
    assert all(later - earlier >= 1.0 for earlier, later in itertools.pairwise(times))


def test_a_new_interval_takes_effect_at_once(pulse: InProcess) -> None:
    pulse.start()
    pulse.configure(interval=10)
    pulse.advance(9.9)
    assert pulse.get("Samples") == 1
    pulse.advance(0.2)
    assert pulse.get("Samples") == 2


def test_missing_files_are_named_and_their_figures_stay(pulse: InProcess, host: Host) -> None:
    pulse.start()
    del host.files["/proc/pressure/io"]
    pulse.advance(1.0)
    assert pulse.get("Missing") == ["/proc/pressure/io"]
    assert pulse.get("PressureIo") == 1.5
    assert pulse.hook("health") == "cannot read /proc/pressure/io"
    assert pulse.log[-1] == "degraded: cannot read /proc/pressure/io"


@pytest.mark.parametrize("text", ["", "nonsense", "\0\0", "cpu\nctxt\n", "some\nfull\n", "a: b\nc: d\ne: f\n"])
def test_a_file_that_cannot_be_parsed_counts_as_missing(pulse: InProcess, host: Host, text: str) -> None:
    host.files = dict.fromkeys(FILES, text)
    pulse.start()
    assert set(pulse.get("Missing")) >= {"/proc/stat", "/proc/loadavg", "/proc/uptime", "/proc/pressure/cpu"}


def test_each_sample_is_one_message_of_names_and_numbers(pulse: InProcess, sent: Sent) -> None:
    pulse.start()
    ((topic, first),) = sent
    assert topic == "host"
    assert (first["cpu.switches"], first["memory.available"], first["load.5"]) == (99, 4096, 0.2)
    assert (first["pressure.io"], first["stalled.io"]) == (1.5, 700)
    pulse.advance(3.0)
    assert len(sent) == 4
    assert all(type(value) in (int, float) for value in first.values())


def test_bytes_of_all_interfaces_but_the_loopback_are_published(pulse: InProcess, host: Host, sent: Sent) -> None:
    more = "    lo: 7 1 0 0 0 0 0 0 7 1 0 0 0 0 0 0\n  eth1: 100 2 0 0 0 0 0 0 200 4 0 0 0 0 0 0\n"
    host.files["/proc/1/net/dev"] = NET + more
    pulse.start()
    assert (sent[0][1]["network.received"], sent[0][1]["network.sent"]) == (110, 230)


def test_what_could_not_be_read_is_not_published_again(pulse: InProcess, host: Host, sent: Sent) -> None:
    pulse.start()
    del host.files["/proc/pressure/io"]
    pulse.advance(1.0)
    assert sent[0][1].keys() - sent[1][1].keys() == {"pressure.io", "stalled.io"}


def test_without_the_permission_it_samples_and_publishes_nothing(pulse: InProcess, sent: Sent) -> None:
    pulse._context.permissions = {}
    pulse.start()
    assert pulse.get("Samples") == 1
    assert sent == []


def test_it_samples_no_more_after_stop(pulse: InProcess) -> None:
    pulse.start()
    pulse.stop()
    pulse.configure(interval=5)
    pulse.advance(20)
    assert pulse.get("Samples") == 1


def test_a_resumed_host_is_sampled_at_once(pulse: InProcess) -> None:
    pulse.start()
    pulse.hook("suspend")
    pulse.clock.advance(100)
    pulse.hook("resume")
    assert pulse.get("Samples") == 2


def test_the_manifest_asks_for_exactly_the_files_it_reads(pulse: InProcess) -> None:
    asked = tomllib.loads((HERE / "package.toml").read_text())["sandbox"]["filesystem"]
    assert asked == [f"read-only:{path}" for path in FILES]
    pulse.start()
    assert pulse.get("Missing") == []


def test_this_hosts_counters_lie_between_two_readings() -> None:
    def switches() -> int:
        rows = dict(line.split(" ", 1) for line in Path("/proc/stat").read_text().splitlines())
        return int(rows["ctxt"])

    with InProcess(HERE) as pulse:
        before = switches()
        pulse.start()
        assert before <= pulse.get("ContextSwitches") <= switches()
