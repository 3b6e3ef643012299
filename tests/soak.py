"""`make soak`: 50,000 seeds of the simulation, then every kill of the real daemon → docs/evidence/spine.json.

Takes a while and may be stopped: what is finished is kept in build/soak/COMMIT and not done again. The evidence counts
    runs        seeds and kills that came to an end
    lost        runs in which something that had been acknowledged was gone afterwards
    residue     runs that left a process, a mount, a cgroup or a file behind
    violations  runs in which an invariant did not hold
and ends with status 1 unless the last three are 0.
"""

import argparse
import json
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from bench.host import machine
from tests import kills

ROOT = Path(__file__).resolve().parents[1]
EVIDENCE = ROOT / "docs" / "evidence" / "spine.json"
SEEDS = 50_000
CHUNK = 1_000
WORKERS = 2


def simulate(work: Path, seeds: int) -> list[dict[str, Any]]:
    """The outcome of every seed; chunks that an earlier soak of this commit finished are read, not run."""
    chunks = [(first, min(first + CHUNK, seeds) - 1) for first in range(0, seeds, CHUNK)]

    def run(chunk: tuple[int, int]) -> Path:
        target = work / f"seeds-{chunk[0]}-{chunk[1]}.jsonl"
        if not target.exists():
            part = target.with_suffix(".part")
            part.unlink(missing_ok=True)
            command = [
                sys.executable,
                "-m",
                "tests.simulation",
                "--seeds",
                f"{chunk[0]}..{chunk[1]}",
                "--jsonl",
                str(part),
            ]
            subprocess.run(command, cwd=ROOT, check=False, stdout=subprocess.DEVNULL)
            part.rename(target)
            print(f"soak: seeds {chunk[0]}..{chunk[1]}", flush=True)
        return target

    with ThreadPoolExecutor(WORKERS) as pool:
        return [row for path in pool.map(run, chunks) for row in _rows(path)]


def kill(work: Path) -> list[dict[str, Any]]:
    """The outcome of every kill; those recorded already are not repeated."""
    target = work / "kills.jsonl"
    done = frozenset((row["story"], row["point"]) for row in _rows(target))
    stage = kills.Stage(Path(tempfile.mkdtemp(prefix="exod-kills-")))
    stage.build()
    with target.open("a") as record:

        def report(outcome: kills.Outcome) -> None:
            record.write(kills.as_json(outcome) + "\n")
            record.flush()
            print(f"soak: {outcome.story} killed at {outcome.point}: {'; '.join(_faults(outcome)) or 'ok'}", flush=True)

        kills.every_point(stage, report=report, skip=done)
    shutil.rmtree(stage.directory)
    return _rows(target)


def _faults(outcome: kills.Outcome) -> list[str]:
    return [*outcome.lost, *outcome.violations, *outcome.residue, *([] if outcome.killed else ["it was not killed"])]


def _rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def evidence(seeds: Sequence[dict[str, Any]], killed: Sequence[dict[str, Any]], *, began: float) -> dict[str, Any]:
    about = machine()
    rows = [*seeds, *killed]
    return {
        "runs": len(rows),
        "lost": _count(rows, "lost"),
        "residue": _count(rows, "residue"),
        "violations": _count(rows, "violations") + sum(not row["killed"] for row in killed),
        "commit": about["commit"],
        "kernel": platform.release(),
        "cpu": f"{about['cpu']}, {about['cores']} cores",
        "figures": {
            "seeds": len(seeds),
            "failing seeds": [row["seed"] for row in seeds if row["violations"]][:20],
            "kills": len(killed),
            "kills by story": dict(Counter(row["story"] for row in killed)),
            "seconds of this session": round(time.monotonic() - began),
        },
    }


def _count(rows: Iterable[dict[str, Any]], kind: str) -> int:
    return sum(bool(row.get(kind)) for row in rows)


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--seeds", type=int, default=SEEDS, help=f"how many seeds of the simulation ({SEEDS})")
    parser.add_argument("--fresh", action="store_true", help="forget what an earlier soak of this commit finished")
    chosen = parser.parse_args(arguments)
    began = time.monotonic()
    work = ROOT / "build" / "soak" / machine()["commit"]
    if chosen.fresh or work.name.endswith("+"):  # a tree with changes is another tree every time
        shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True, exist_ok=True)
    seeds = simulate(work, chosen.seeds)
    killed = kill(work)
    found = evidence(seeds, killed, began=began)
    EVIDENCE.parent.mkdir(exist_ok=True)
    EVIDENCE.write_text(json.dumps(found, indent=1) + "\n")
    print("soak: " + ", ".join(f"{name} {found[name]}" for name in ("runs", "lost", "residue", "violations")))
    return int(any(found[name] for name in ("lost", "residue", "violations")))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
