"""`make soak`'s share: numbers of kills → a line of JSON each, in sessions of a hundred, each on a fleet of its own.

A session that is cut off is gone on with from its first kill that is not recorded; what it has recorded stays.
"""

import asyncio
import json
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.acceptance.residue import left
from tests.adoption.findings import Findings
from tests.adoption.fleet import fleet
from tests.adoption.kills import Kill, Killer

SESSION = 100
SEED = 1


def run(target: Path, kills: int, *, report: Callable[[str], None]) -> list[dict[str, Any]]:
    """All rows of `target` when it has all kills. Those without a number are what a whole session found at its end."""
    done = {row.get("number") for row in rows(target)}
    for first in range(0, kills, SESSION):
        numbers = [number for number in range(first, min(first + SESSION, kills)) if number not in done]
        if numbers:
            asyncio.run(_session(numbers, target, report=report))
    return rows(target)


def rows(target: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in target.read_text().splitlines()] if target.exists() else []


async def _session(numbers: Sequence[int], target: Path, *, report: Callable[[str], None]) -> None:
    directory = Path(tempfile.mkdtemp(prefix="exod-adoption-"))
    end = Findings()
    with target.open("a") as record:

        def write(line: str) -> None:
            record.write(line + "\n")
            record.flush()

        def killed(kill: Kill) -> None:
            write(kill.as_json())
            report(f"kill {kill.number}, {kill.kind} at {kill.at}: {'; '.join(kill.faults) or 'ok'}")

        async with fleet(directory / "dev", seed=SEED + numbers[0]) as fifty:
            await Killer(fifty, seed=SEED).run(numbers, report=killed)
            await fifty.hush(end)
            await fifty.stop()
        end.residue += left(directory / "dev")
        calls = {"answered": sum(map(len, fifty.ledger.answered.values())), "failed": dict(fifty.ledger.failed)}
        write(json.dumps(asdict(end) | calls))
    shutil.rmtree(directory)
