"""`make soak`'s share: cycles, kills and faults → a line of JSON each, which a soak that was cut off goes on from.

Cycles and kills have one daemon each, from the first to the last, whose figures have to stay flat: one that was cut off
begins anew. Faults have a daemon for every thousand.
"""

import asyncio
import contextlib
import json
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.adoption.findings import Findings
from tests.endurance import cycles, deaths, faults, gauges
from tests.endurance.home import Home, home, leftovers

SESSION = 1_000
Report = Callable[[str], None]
Row = dict[str, Any]
Work = Callable[[Home, Callable[[Any], None]], Awaitable[None]]


def rows(target: Path) -> list[Row]:
    return [json.loads(line) for line in target.read_text().splitlines()] if target.exists() else []


def cycled(target: Path, count: int, *, report: Report) -> list[Row]:
    """`count` loads and unloads."""
    return _once(target, "cycle", lambda at, tell: cycles.run(at, range(count), report=tell), report)


def killed(target: Path, count: int, *, report: Report) -> list[Row]:
    """`count` instances, zygotes and keepers."""
    return _once(target, "kill", lambda at, tell: deaths.Reaper(at).run(range(count), report=tell), report)


def _once(target: Path, word: str, work: Work, report: Report) -> list[Row]:
    """What came to its end is not done again."""
    if not any("windows" in row for row in rows(target)):
        target.unlink(missing_ok=True)
        asyncio.run(_flat(target, word, work, report))
    return rows(target)


async def _flat(target: Path, word: str, work: Work, report: Report) -> None:
    seen: list[gauges.Gauge] = []
    with target.open("a") as record:

        def tell(one: Any) -> None:
            seen.append(one.gauge)
            record.write(one.as_json() + "\n")
            record.flush()
            if one.faults or one.number % 100 == 99:
                report(f"{word} {one.number}: {'; '.join(one.faults) or 'ok'}")

        end = Findings()
        async with _housed(end, deaths.POLICIES) as at:
            await work(at, tell)
        end.violations += gauges.grown(seen)
        record.write(json.dumps(asdict(end) | {"windows": gauges.windows(seen)}) + "\n")


def faulted(target: Path, first: int, count: int, *, report: Report) -> list[Row]:
    """The seeds from `first` on, but for those that `target` has."""
    done = {row.get("seed") for row in rows(target)}
    for begin in range(first, first + count, SESSION):
        seeds = [seed for seed in range(begin, min(begin + SESSION, first + count)) if seed not in done]
        if seeds:
            asyncio.run(_faulted(target, seeds, last=seeds[-1] == first + count - 1, report=report))
    return rows(target)


async def _faulted(target: Path, seeds: list[int], *, last: bool, report: Report) -> None:
    end, seen = Findings(), []
    with target.open("a") as record:
        async with _housed(end, faults.POLICIES, keys=last) as at:
            assert at.process is not None
            pid = at.process.pid

            def tell(fault: faults.Fault) -> None:
                seen.append(gauges.look(pid))
                record.write(fault.as_json() + "\n")
                record.flush()
                if fault.faults:
                    report(f"fault {fault.seed}, {fault.kind}: {'; '.join(fault.faults)}")

            await faults.run(at, seeds, report=tell)
        record.write(json.dumps(asdict(end) | {"windows": gauges.windows(seen)}) + "\n")
    report(f"faults {seeds[0]}..{seeds[-1]}: {'; '.join([*end.lost, *end.violations, *end.residue]) or 'ok'}")


@contextlib.asynccontextmanager
async def _housed(end: Findings, policies: Mapping[str, str], *, keys: bool = True) -> AsyncIterator[Home]:
    """`end`: what was wrong when all was over."""
    directory = Path(tempfile.mkdtemp(prefix="exod-endurance-"))
    async with home(directory / "dev", policies=policies) as at:
        yield at
        end.lost += await at.disturbed()
        if (status := await at.stop()) != 0:
            end.violations.append(f"exod ended with status {status}")
    end.residue += await leftovers(directory / "dev", keys=keys)
    shutil.rmtree(directory)
