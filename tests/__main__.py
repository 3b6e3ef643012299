"""`make test`: the whole suite in two processes under branch coverage, children included, then the floors by room.

Arguments are handed on to pytest (`python -m tests tests/exod/trust -x`); the floors are judged only on a whole run.
"""

import json
import os
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FIGURES = ROOT / "build" / "coverage"
WORKERS = 2
SURE = 90.0
"""Percent of lines and branches together: what decides whether a package may run, and what happens to it."""
REST = 85.0
CORE = ("exod/package", "exod/trust", "exod/plan", "exod/supervisor")


def main(arguments: Sequence[str]) -> int:
    shutil.rmtree(FIGURES, ignore_errors=True)
    FIGURES.mkdir(parents=True, exist_ok=True)
    environment = os.environ | {"COVERAGE_FILE": str(FIGURES / "data")}
    pytest = ["pytest", "-q", "-n", str(WORKERS), "--dist", "loadfile", "--no-loadscope-reorder", *arguments]
    verdict = _coverage(["run", "-m", *pytest], environment)
    if arguments:
        return verdict
    _coverage(["combine", "--quiet"], environment)
    _coverage(["json", "--quiet", "-o", str(FIGURES / "report.json")], environment)
    report = json.loads((FIGURES / "report.json").read_text())
    low = judge(rooms(report["files"]))
    return verdict or low


def _coverage(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    command = [sys.executable, "-m", "coverage", arguments[0], "--rcfile", str(ROOT / "setup.cfg"), *arguments[1:]]
    return subprocess.run(command, cwd=ROOT, env=environment).returncode


def rooms(files: Mapping[str, Mapping[str, Mapping[str, int]]]) -> dict[str, float]:
    """Percent of lines and branches that ran, by room: the packages of exod, its own files, the other two packages."""
    hit: dict[str, int] = defaultdict(int)
    all_: dict[str, int] = defaultdict(int)
    for name, figures in files.items():
        room, summary = room_of(Path(name)), figures["summary"]
        hit[room] += summary["covered_lines"] + summary["covered_branches"]
        all_[room] += summary["num_statements"] + summary["num_branches"]
    return {room: 100.0 * hit[room] / all_[room] for room in sorted(all_) if all_[room]}


def room_of(path: Path) -> str:
    top = path.parts[0]
    return f"{top}/{path.parts[1]}" if top == "exod" and len(path.parts) > 2 else top


def judge(figures: Mapping[str, float]) -> int:
    """Prints each room beside its floor; 1 when one is below, or when a room that decides has no figure."""
    complete = dict.fromkeys(CORE, 0.0) | dict(figures)
    for room, figure in sorted(complete.items()):
        word = "ok" if figure >= floor(room) else "BELOW"
        print(f"coverage: {room:16} {figure:5.1f} % of lines and branches, floor {floor(room):.0f} %  {word}")
    return int(any(figure < floor(room) for room, figure in complete.items()))


def floor(room: str) -> float:
    return SURE if room in CORE else REST


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
