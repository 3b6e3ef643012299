"""Parsing and verifying a small package, in this process; the floor is the two signatures and nothing else."""

import gc
import time
from collections.abc import Callable

from bench.packages import Sample
from bench.rows import Row, at_most, median, percentile
from exod.errors import Refusal
from exod.package import Package, parse
from exod.trust.keys import warm
from exod.trust.state import TrustState
from exod.trust.verify import Trust, verify

ROUNDS = 400


def verification(sample: Sample) -> list[Row]:
    warm()
    now, known = int(time.time()), Trust((sample.anchor,), TrustState())
    package = parse(sample.data)
    if isinstance(package, Refusal):
        raise RuntimeError(package.sentence)
    verdict = verify(package, trust=known, now=now)
    if isinstance(verdict, Refusal):
        raise RuntimeError(verdict.sentence)
    parsing, judging, signatures = interleaved(
        lambda: parse(sample.data),
        lambda: verify(package, trust=known, now=now),
        lambda: _signatures(package, sample),
    )
    both = [one + other for one, other in zip(parsing, judging, strict=True)]
    floor = median(signatures)
    return [
        Row("verify.p50", median(judging), "us", None, None, floor, at_most(350.0)),
        Row("verify.p99", percentile(judging, 0.99), "us", None, None, floor),
        Row("parse.p50", median(parsing), "us"),
        Row("parse-and-verify.p50", median(both), "us", None, None, floor),
    ]


def _signatures(package: Package, sample: Sample) -> None:
    (identity,) = sample.anchor.identities
    if not identity.verify(package.envelope.pae(), sig=package.envelope.signatures[0].sig):
        raise RuntimeError("the sample's signature does not hold")


def interleaved(*works: Callable[[], object]) -> list[list[float]]:
    """Microseconds of each, one after the other in every round; the collector waits, as it does for a load."""
    times: list[list[float]] = [[] for _ in works]
    gc.disable()
    for number in range(ROUNDS + 20):
        for samples, work in zip(times, works, strict=True):
            began = time.perf_counter()
            work()
            took = (time.perf_counter() - began) * 1e6
            if number >= 20:
                samples.append(took)
    gc.enable()
    return times
