"""A whole daemon as systemd and an administrator meet it: announced, reloaded, refused, ended."""

import asyncio
import os
import signal
import socket
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from exoctl.bus import DRIVER, DRIVER_PATH, Connection
from exod import daemon as lives
from exod import dev
from exod.errors import Outcome
from exod.layout import Layout, development
from exod.names import BUS_NAME, ROOT_PATH
from exosdk.testing.daemon import Daemon


@pytest.fixture
def place() -> Iterator[Path]:
    """A short path: the sockets below it have 107 bytes."""
    with tempfile.TemporaryDirectory(prefix="exod-t-", dir="/tmp") as directory:
        yield Path(directory) / "dev"


@pytest.fixture
def layout(place: Path) -> Iterator[Layout]:
    claim = dev.claim(place)
    assert isinstance(claim, dev.Claim)
    yield claim.layout
    os.close(claim.lock)


def log_of(place: Path) -> str:
    path = place / "log/exod.log"
    return path.read_text() if path.exists() else ""


def until_it_says(place: Path, words: str) -> None:
    until = time.monotonic() + 10
    while words not in log_of(place):
        assert time.monotonic() < until, log_of(place)


def test_it_tells_systemd_when_it_is_ready_alive_and_ending(place: Path, tmp_path: Path) -> None:
    address = str(place.parent / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.bind(address)
        notify.settimeout(10)
        environment = {"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "20000"}
        with Daemon(place, environment=environment):
            assert notify.recv(4096) == b"READY=1\nSTATUS=serving"
            assert notify.recv(4096) == b"WATCHDOG=1"
            assert notify.recv(4096) == b"WATCHDOG=1"
        said = b""
        while said != b"STOPPING=1":
            said = notify.recv(4096)


def test_sighup_reads_settings_and_trust_again(place: Path) -> None:
    with Daemon(place) as daemon:
        (place / "etc/exod.toml").write_text("job-days = 7\nzygote-forks = 8\n")
        (place / "etc/exod.toml").chmod(0o600)
        os.kill(daemon.pid, signal.SIGHUP)
        until_it_says(place, "reloaded")
        assert "reload: job-days: 30 → 7\n" in log_of(place)
        assert "(needs a restart)" in log_of(place)


def test_a_second_daemon_in_the_same_directory_is_refused_and_the_first_serves_on(place: Path) -> None:
    with Daemon(place) as first:
        with pytest.raises(RuntimeError, match="another exod runs there"):
            Daemon(place).start()
        assert first.exoctl("plugin", "list") == []


def test_a_name_that_somebody_else_owns_is_not_fought_for(place: Path, layout: Layout) -> None:
    started = dev.start_bus(layout)
    assert isinstance(started, int)
    try:
        until = time.monotonic() + 10
        while (listener := dev._listener(layout.run / "bus")) < 0:
            assert time.monotonic() < until
        os.close(listener)
        other = Connection(layout.bus)
        other.call(DRIVER_PATH, DRIVER, "RequestName", "su", [BUS_NAME, 0], destination=DRIVER)
        refusal = asyncio.run(lives.Daemon(layout, verbose=False).run())
        other.close()
    finally:
        dev.stop_bus(layout, started=started)
    assert refusal is not None
    assert refusal.code == "already-running"


def test_a_bus_that_is_not_there_is_said(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lives, "_BUS_WAIT", 0.0)
    refusal = asyncio.run(lives.Daemon(layout, verbose=False).run())
    assert refusal is not None
    assert (refusal.code, refusal.outcome) == ("bus-unreachable", Outcome.UNREACHABLE)


def test_a_host_that_gives_no_room_is_said(layout: Layout) -> None:
    (layout.config / "file").write_text("")
    blocked = replace(layout, state=layout.config / "file/below")
    refusal = asyncio.run(lives.Daemon(blocked, verbose=False).run())
    assert refusal is not None
    assert refusal.code == "host-error"


async def test_an_error_that_nobody_foresaw_ends_it_loudly(layout: Layout) -> None:
    daemon = lives.Daemon(layout, verbose=False)
    daemon._failed(KeyError("x"))
    assert daemon._stopping.is_set()
    assert isinstance(daemon._broken, KeyError)


async def test_its_clock_is_the_real_one() -> None:
    clock = lives.RealClock()
    assert abs(clock.time() - time.time()) < 5
    assert abs(clock.monotonic() - time.monotonic()) < 5
    await clock.sleep(0)


def test_a_checkpoint_is_for_tests_of_development_only(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place.mkdir()
    monkeypatch.setenv("EXOD_CHECKPOINTS", str(place))
    lives._checkpoints(replace(development(place), development=False))("before:spawn")
    assert list(place.iterdir()) == []
    (place / "kill").write_text("after:spawn")
    lives._checkpoints(development(place))("before:spawn")
    assert (place / "trace").read_text() == "before:spawn\n"


def test_a_running_daemon_answers_the_doctor_and_records_repairs(place: Path) -> None:
    with Daemon(place) as daemon:
        bus = Connection(f"unix:path={place}/run/bus")
        (rows,) = bus.call(ROOT_PATH, f"{BUS_NAME}.Manager", "Doctor")
        assert {row["level"] for row in rows if row["id"] in ("seccomp", "audit-chain", "residue")} == {"ok"}
        bus.call(ROOT_PATH, f"{BUS_NAME}.Manager", "Repairing", "ss", ["clock", "set it"])
        bus.close()
        assert "kernel-audit" in daemon.exoctl("daemon", "status")["degraded"] or any(
            row["id"] == "kernel-audit" and row["level"] == "ok" for row in rows
        )
    assert '"steps":"set it"' in "".join(path.read_text() for path in (place / "lib/audit").glob("*.jsonl"))
