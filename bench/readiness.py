"""exec → ready: the daemon on a private bus with nothing to restore, beside a bare dbus-next service."""

import subprocess
import sys
import time
from pathlib import Path

from bench.rows import Row, at_most, median, percentile
from bench.service import start_peer
from bench.target import Target


def starts(directory: Path, *, peer_address: str, rounds: int) -> list[Row]:
    """The first start makes the directory, its database and its key; it is not counted."""
    ours: list[float] = []
    theirs: list[float] = []
    floors: list[float] = []
    for number in range(rounds + 1):
        figures = _exod(directory), _peer(peer_address), _python()
        if number:
            for samples, figure in zip((ours, theirs, floors), figures, strict=True):
                samples.append(figure)
    name, floor = "dbus-next service, plain process", median(floors)
    return [
        Row("ready.p50", median(ours), "ms", median(theirs), name, floor, at_most(150.0)),
        Row("ready.p99", percentile(ours, 0.99), "ms", percentile(theirs, 0.99), name, floor),
    ]


def _exod(directory: Path) -> float:
    with Target(directory) as target:
        return target.daemon.seconds_to_ready * 1e3


def _peer(address: str) -> float:
    """Under a name of its own: the peer that answers calls keeps the other."""
    began = time.perf_counter()
    peer = start_peer(address, name="org.exoos.BenchPeer2")
    took = time.perf_counter() - began
    peer.communicate()
    return took * 1e3


def _python() -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, "-I", "-c", ""], check=True)
    return (time.perf_counter() - began) * 1e3
