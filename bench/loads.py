"""Loads, one at a time and interleaved with the peers: what it takes from a signed file to a running plugin.

Two daemons take turns, one with its state on disk and one in memory: what the disk adds is the share of fsync. The
packages are in the page cache for both. Each round loads a plugin that this daemon has never seen.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from bench.packages import Sample
from bench.peers import PEERS, spawn_floor, timed
from bench.rows import Row, at_most, faster_by, median, percentile
from bench.target import Target

WARM_UP = 5
BWRAP = "bwrap + python3"


@dataclass(slots=True)
class Times:
    """Milliseconds of each round."""

    load: list[float] = field(default_factory=list)
    start: list[float] = field(default_factory=list)
    unload: list[float] = field(default_factory=list)

    def forget(self) -> None:
        for samples in (self.load, self.start, self.unload):
            samples.clear()


def one_life(target: Target, sample: Sample, times: Times) -> None:
    """Load to running, stop, start, unload, remove."""
    times.load.append(target.load(sample.fd))
    target.verb(sample.name, "Stop")
    times.start.append(target.verb(sample.name, "Start"))
    times.unload.append(target.verb(sample.name, "Unload"))
    target.remove(sample.name)


def interleaved(disk: Target, memory: Target, samples: Sequence[Sample]) -> list[Row]:
    durable, plain = Times(), Times()
    peers: dict[str, list[tuple[float, float]]] = {name: [] for name in PEERS}
    floors: list[float] = []
    for number, sample in enumerate(samples):
        if number == WARM_UP:
            durable.forget()
            plain.forget()
            for figures in peers.values():
                figures.clear()
        one_life(disk, sample, durable)
        one_life(memory, sample, plain)
        for name, start in PEERS.items():
            peers[name].append(timed(start))
        floors.append(spawn_floor())
    return _rows(durable, plain, peers, floor=median(floors))


def _rows(durable: Times, plain: Times, peers: dict[str, list[tuple[float, float]]], *, floor: float) -> list[Row]:
    ready = {name: median([figure for figure, _ in figures]) for name, figures in peers.items()}
    gone = median([figure for _, figure in peers[BWRAP]])
    p50, bwrap = median(plain.load), [figure for figure, _ in peers[BWRAP]]
    rows = [
        Row("load.p50", p50, "ms", ready[BWRAP], BWRAP, floor, at_most(5.0)),
        Row("load.p99", percentile(plain.load, 0.99), "ms", percentile(bwrap, 0.99), BWRAP, floor),
        Row("load.fsync-share.p50", max(0.0, median(durable.load) - p50), "ms"),
        Row("load.on-disk.p50", median(durable.load), "ms", ready[BWRAP], BWRAP, floor),
        Row("load.on-disk.p99", percentile(durable.load, 0.99), "ms", percentile(bwrap, 0.99), BWRAP, floor),
        Row("P1.load.p99", percentile(durable.load, 0.99), "ms", None, None, floor, at_most(100.0)),
        Row("start.p50", median(plain.start), "ms"),
        Row("start.p99", percentile(plain.start, 0.99), "ms"),
        Row("P5.operational.p99", percentile(durable.start, 0.99), "ms", None, None, None, at_most(50.0)),
        Row("unload.p50", median(plain.unload), "ms", gone, BWRAP),
        Row("unload.p99", percentile(plain.unload, 0.99), "ms"),
    ]
    return rows + [
        Row(f"load.beside-{name.split()[0]}", p50, "ms", peer, name, floor, faster_by(8.0) if name == BWRAP else None)
        for name, peer in ready.items()
    ]


def in_a_row(target: Target, samples: Sequence[Sample]) -> Row:
    """T3: many loads, each waited for, with all earlier ones still running; beside as many bwraps, one at a time."""
    began = time.perf_counter()
    for sample in samples:
        target.load(sample.fd)
    ours = time.perf_counter() - began
    began = time.perf_counter()
    started = [PEERS[BWRAP]() for _ in samples]
    theirs = time.perf_counter() - began
    for peer in started:
        peer.end()
    return Row(f"T3.loads-in-a-row.{len(samples)}", ours, "s", theirs, BWRAP)
