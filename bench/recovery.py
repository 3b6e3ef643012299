"""After the worst: a critical plugin killed → running again; and many plugins asked to go → nothing of them left."""

import os
import signal
import time
from collections.abc import Sequence

from bench.packages import Sample
from bench.peers import PEERS, timed
from bench.rows import Row, at_most, median, percentile
from bench.target import Target

_BWRAP = "bwrap + python3"
_BETWEEN = 0.3
"""Seconds between two crashes: time for a zygote to take the place of the spare that the one before used up."""


def crashes(target: Target, samples: Sequence[Sample]) -> list[Row]:
    """Each killed once, so that no figure holds a longer back-off than the first crash has."""
    for sample in samples:
        target.grant_critical(sample.name)
        target.load(sample.fd)
    took = [_crash(target, sample.name) for sample in samples]
    peer = median([timed(PEERS[_BWRAP])[0] for _ in samples])
    return [
        Row("crash-to-restarted.p50", median(took), "ms", peer, _BWRAP),
        Row("crash-to-restarted.p99", percentile(took, 0.99), "ms", None, None, None, at_most(10.0)),
    ]


def _crash(target: Target, name: str) -> float:
    time.sleep(_BETWEEN)
    pid = target.pid_of(name)
    began = time.perf_counter()
    os.kill(pid, signal.SIGKILL)
    target.await_job()
    took = (time.perf_counter() - began) * 1e3
    if target.state_of(name) != "running" or target.pid_of(name) == pid:
        raise RuntimeError(f"{name} was not restarted")
    return took


def clean_up(target: Target, samples: Sequence[Sample]) -> Row:
    """All unloaded at once, until nothing of the last is left; beside as many bwraps, told one by one."""
    target.load_at_once([sample.fd for sample in samples])
    took = target.unload_at_once([sample.name for sample in samples]) / 1e3
    started = [PEERS[_BWRAP]() for _ in samples]
    began = time.perf_counter()
    for peer in started:
        peer.end()
    return Row(f"clean-up.{len(samples)}", took, "s", time.perf_counter() - began, _BWRAP)
