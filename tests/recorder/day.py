"""hostpulse and the recorder in this process, on a clock that is moved by hand: hours of samples → what they take on
disk, how long a question takes, and whether every value came back.

The clock is late at each sample, as a real one is: by a fraction of a millisecond mostly, now and then by more.
"""

import os
import statistics
import time
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any
from unittest import mock

from payload import values

from exosdk import Context
from exosdk.testing import InProcess
from tests.recorder.host import Host
from tests.recorder.kills import pairs

ROOT = Path(__file__).parents[2]
TOPIC = "hostpulse/host"
BUSY = f"{TOPIC}.cpu.busy"
AIM = 3.0
"""Bytes a value."""
_QUESTIONS = 21


@dataclass
class Message:
    topic: str
    data: bytes
    timestamp: float


@dataclass
class Expected:
    times: "array[int]"
    values: "array[float]"


@contextmanager
def pair(directory: Path, host: Host, sent: list[bytes]) -> Iterator[tuple[InProcess, InProcess]]:
    with (
        mock.patch.object(Context, "publish", lambda self, topic, data: sent.append(data)),
        mock.patch.object(Context, "subscribe"),
        InProcess(ROOT / "plugins/hostpulse") as pulse,
        InProcess(ROOT / "plugins/recorder", state_dir=directory) as recorder,
    ):
        pulse.object._read = host.read
        recorder.start()
        try:
            yield pulse, recorder
        finally:
            recorder.stop()


def live(directory: Path, seconds: int, *, seed: int = 1) -> dict[str, Any]:
    """A sample a second for so long: `violations`, and the figures of it."""
    random, host, sent = Random(seed), Host(seed), list[bytes]()
    expected: dict[str, Expected] = {}
    with pair(directory, host, sent) as (pulse, recorder):
        for _ in range(seconds):
            late = random.expovariate(2000) if random.random() < 0.99 else random.uniform(0.0, 0.05)
            pulse.clock.advance(1.0 + late)
            host.pass_(1.0 + late)
            pulse.object.sample()
            now = pulse.clock.time()
            for name, value in values(TOPIC, sent[-1]).items():
                column = expected.setdefault(name, Expected(array("q"), array("d")))
                column.times.append(round(now * 1000))
                column.values.append(value)
            recorder.object._take(Message(TOPIC, sent.pop(), now))
            recorder.advance(1.0 + late)
        return judged(recorder, expected, seconds)


def judged(recorder: InProcess, expected: dict[str, Expected], seconds: int) -> dict[str, Any]:
    store = recorder.object._store
    wrong = []
    for name, column in expected.items():
        if pairs(store, name, 0) != list(zip(column.times, column.values, strict=True)):
            wrong.append(f"{name} is not what was published")
    segments = store._segments
    taken = segments.size / segments.samples
    return {
        "violations": wrong + ([f"{taken:.2f} bytes a value"] if taken > AIM else []),
        "figures": {
            "seconds": seconds,
            "series": len(expected),
            "values": store.samples,
            "bytes": store.size,
            "of which in the journal": store.size - segments.size,
            "bytes a value in a frame": round(taken, 2),
            "by series, without times": _by_series(segments.index),
            "milliseconds of a query": _questions(recorder, recorder.clock.time()),
        },
    }


def _by_series(index: dict[str, list[Any]]) -> dict[str, float]:
    found = {}
    for name, blocks in sorted(index.items()):
        size, count = sum(block.values_length for block in blocks), sum(block.count for block in blocks)
        found[name.removeprefix(f"{TOPIC}.")] = round(size / count, 2)
    return found


def _questions(recorder: InProcess, now: float) -> dict[str, Any]:
    """Through the frames of the channel, without the bus."""
    asked = {
        "an hour, 160 points": (now - 3600, 160),
        "all, 160 points": (0.0, 160),
        "all, 1000 points": (0.0, 1000),
    }
    found = {}
    for what, (since, most) in asked.items():
        took, worked = [], []
        for _ in range(_QUESTIONS):
            began, work = time.perf_counter(), time.thread_time()
            recorder.call("Query", BUSY, since, 0.0, most)
            took.append(round(1000 * (time.perf_counter() - began), 2))
            worked.append(round(1000 * (time.thread_time() - work), 2))
        found[what] = {
            "median": statistics.median(took),
            "greatest": max(took),
            "of the processor": statistics.median(worked),
        }
    return found | {"load of the host": os.getloadavg()[0]}
