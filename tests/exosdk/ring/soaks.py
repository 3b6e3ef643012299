"""`make soak`'s share of rings: piece after piece → a line of JSON each, which a soak that was cut off goes on from."""

import json
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tests.exosdk.ring import fuzzing, scribblers, traffic

FUZZED = 2_000_000
"""Executions of one seed."""
STREAMED = 1_000_000
SCRIBBLED = 10.0
"""Seconds for each field."""
Row = dict[str, Any]
Report = Callable[[str], None]


def fuzzed(target: Path, seeds: range, *, report: Report) -> list[Row]:
    with tempfile.TemporaryDirectory(prefix="exod-fuzz-") as scratch:
        program = fuzzing.build(Path(scratch))
        return pieces(target, seeds, lambda seed: fuzzing.explore(program, seed=seed, runs=FUZZED), report=report)


def streamed(target: Path, messages: int, *, report: Report) -> list[Row]:
    firsts = range(0, messages, STREAMED)
    return pieces(target, firsts, lambda first: traffic.stream(first, min(STREAMED, messages - first)), report=report)


def scribbled(target: Path, *, report: Report) -> list[Row]:
    return pieces(target, tuple(scribblers.FIELDS), _ten_seconds, report=report)


def _ten_seconds(field: str) -> Row:
    end = time.monotonic() + SCRIBBLED
    return scribblers.rounds(field, enough=lambda rounds, _: rounds > 0 and time.monotonic() >= end)


def pieces(target: Path, todo: Sequence[Any], work: Callable[[Any], Row], *, report: Report) -> list[Row]:
    found = [json.loads(line) for line in target.read_text().splitlines()] if target.exists() else []
    with target.open("a") as record:
        for one in todo[len(found) :]:
            found.append(work(one))
            record.write(json.dumps(found[-1]) + "\n")
            record.flush()
            report(f"{target.stem}: {one}: {'; '.join(found[-1]['violations']) or 'ok'}")
    return found
