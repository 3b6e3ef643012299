"""Messages of 64 bytes from one plugin to another, each in its sandbox, through the whole SDK: US-004's P2, P4 and T4.

A round trip (T4: 10,000 of them) is a request and its answer, both plugins asleep between the two. A rate is taken from
the first message that is sent to the last that the other plugin's code has seen.
"""

import os
import time
from collections.abc import Sequence
from typing import Any

from bench.packages import Sample
from bench.rows import Row, at_most, median, percentile
from bench.target import DEADLINE, Target
from exod.names import service_path

_PEER = "os.pipe, plain processes"


def messages(target: Target, samples: Sequence[Sample], *, trips: int, sent: int = 500_000) -> list[Row]:
    target.load_at_once([sample.fd for sample in samples])
    talker, listener = (sample.name for sample in samples)
    took = [seconds * 1e6 for seconds in _trips(target, talker, listener, trips)]
    rate = _rate(target, talker, listener, sent)
    pipe = _pipe_trips(min(trips, 2_000))
    slow, pipe_slow = percentile(took, 0.99), percentile(pipe, 0.99)
    return [
        Row("P2.messages.round-trip.p50", median(took), "us", median(pipe), _PEER, None, at_most(50.0)),
        Row("P2.messages.round-trip.p99", slow, "us", pipe_slow, _PEER, None, at_most(1000.0)),
        Row("P4.messages.each", 1e6 / rate, "us", None, None, None, at_most(10.0)),
    ]


def _trips(target: Target, talker: str, listener: str, count: int) -> list[float]:
    """Seconds; a warm-up first, in which the links are made."""
    for number in (count // 10 or 1, count):
        _call(target, talker, "Trip", "su", [listener, number])
        until = time.monotonic() + DEADLINE
        while not _call(target, talker, "Trips", "u", [number - 1])[0]:
            if time.monotonic() > until:
                raise RuntimeError(f"{number} round trips were not made in time")
            time.sleep(0.2)
    took: list[float] = []
    while len(took) < count:  # as many at a time as an answer holds
        took += _call(target, talker, "Trips", "u", [len(took)])[0]
    return took


def _rate(target: Target, talker: str, listener: str, count: int) -> float:
    """Messages a second."""
    (before, _) = _call(target, listener, "Got")
    [began] = _call(target, talker, "Send", "su", [listener, count])
    until = time.monotonic() + DEADLINE
    while (found := _call(target, listener, "Got"))[0] - before < count:
        if time.monotonic() > until:
            raise RuntimeError(f"{found[0] - before} of {count} messages arrived")
        time.sleep(0.1)
    return count / (float(found[1]) - float(began))


def _call(target: Target, name: str, member: str, signature: str = "", arguments: Sequence[Any] = ()) -> Any:
    where = (service_path(name, "bench"), "org.exoos.Bench1", member)
    return target.bus.call(*where, signature, list(arguments), deadline=2 * DEADLINE)


def _pipe_trips(count: int) -> list[float]:
    """Microseconds of a round trip of 64 bytes between two processes that do nothing else."""
    there, back = os.pipe(), os.pipe()
    if (pid := os.fork()) == 0:
        for _ in range(count):
            os.write(back[1], os.read(there[0], 64))
        os._exit(0)
    took = []
    for _ in range(count):
        began = time.perf_counter()
        os.write(there[1], bytes(64))
        os.read(back[0], 64)
        took.append((time.perf_counter() - began) * 1e6)
    os.waitpid(pid, 0)
    for descriptor in (*there, *back):
        os.close(descriptor)
    return took
