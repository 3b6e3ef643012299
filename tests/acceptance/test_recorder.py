"""hostpulse and recorder on a real daemon: samples arrive over rings, are answered for, and outlive a kill."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from exosdk.testing.daemon import Daemon
from tests.acceptance.workshop import Workshop

pytestmark = pytest.mark.slow
BUSY = "hostpulse/host.cpu.busy"


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Workshop]:
    """Both are loaded; hostpulse samples ten times a second."""
    with Daemon(tmp_path / "dev") as daemon:
        (tmp_path / "work").mkdir()
        shop = Workshop(daemon, tmp_path / "work")
        shop.key("vendor", scope="hostpulse,recorder")
        for name in ("recorder", "hostpulse"):
            daemon.exoctl("plugin", "load", str(shop.plugin(name, key="vendor")))
        daemon.exoctl("plugin", "config", "hostpulse", "interval=0.1")
        yield shop


def shown(shop: Workshop) -> dict[str, Any]:
    return shop.properties("recorder", "recorder", "org.exoos.Recorder1")


def await_count(shop: Workshop, name: str, least: int) -> None:
    """Asks again and again: each question takes a process, which is pause enough."""
    until = time.monotonic() + 40
    while shown(shop)[name] < least:
        if time.monotonic() > until:
            raise TimeoutError(f"{least} {name}: {shown(shop)}")


def points(shop: Workshop) -> list[list[float]]:
    found: list[list[float]] = shop.daemon.exoctl("plugin", "call", "recorder", "Query", BUSY, "0", "0", "0")
    return found


def test_samples_are_recorded_and_drawn_and_are_there_after_a_kill(shop: Workshop) -> None:
    began = time.time()
    await_count(shop, "Received", 10)
    assert set(shown(shop)["Refused"].values()) == {0}
    assert BUSY in {row[0] for row in shop.daemon.exoctl("plugin", "call", "recorder", "Series")}
    drawn = shop.daemon.exoctl("plugin", "plot", "recorder", BUSY)["points"]
    assert drawn
    assert all(began - 60 < point[0] <= time.time() for point in drawn)
    before = points(shop)
    await_count(shop, "Flushed", shown(shop)["Received"])
    os.kill(shop.daemon.exoctl("plugin", "info", "recorder")["process_id"], signal.SIGKILL)
    shop.await_state("recorder", "error")
    shop.daemon.exoctl("plugin", "unload", "recorder")
    shop.daemon.exoctl("plugin", "load", str(shop.directory / "recorder-vendor.exopkg"))
    await_count(shop, "Received", 5)
    after = points(shop)
    assert after[: len(before)] == before
    assert len(after) > len(before)


def test_hostpulse_samples_where_nobody_listens(shop: Workshop) -> None:
    shop.daemon.exoctl("plugin", "unload", "recorder")
    first = shop.daemon.exoctl("plugin", "call", "hostpulse", "Sample")
    assert shop.daemon.exoctl("plugin", "call", "hostpulse", "Sample") > first
    assert shop.state("hostpulse") == "running"
