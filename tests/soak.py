"""`make soak`: 50,000 seeds of the simulation, every kill of the real daemon at a job → docs/evidence/spine.json; then
2,000 kills over fifty instances under calls → adoption.json; 1,000 loads and unloads and 1,000 kills of what exod
started → cycles.json; 20,000 faults of plugins, others every time → a line of faults.jsonl; then 20 power cuts of a
virtual machine → power-cut.json, and every bomb of one plugin against fifty healthy ones in another → bombs.json; then
200 kills of a plugin that another asks without pause → requests.json, fifty that publish to each other → mesh.json;
last 2,000 ends of rings, killed in mid-traffic → rings.json; a hundred million messages → ring-messages.json; ten
seconds of a hostile writer at each field → ring-writers.json; a hundred million inputs of a fuzzer, others every time
→ a line of ring-fuzz.jsonl; 100 kills of the recorder's store, and a day of samples in it → recorder.json.

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
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from bench.host import machine
from tests import kills
from tests.acceptance import losses, mesh
from tests.adoption import sessions
from tests.bombs.plugins import verdict
from tests.endurance import sessions as endurance
from tests.exosdk.ring import soaks, traffic
from tests.recorder import soaks as recorded

ROOT = Path(__file__).resolve().parents[1]
EVIDENCE = ROOT / "docs" / "evidence"
SEEDS, KILLS = 50_000, 2_000
CYCLES, FAULTS = 1_000, 20_000
REQUEST_KILLS = 200
MESH, MESH_ROUNDS = 50, 400
RING_KILLS = 2_000
RING_MESSAGES = RING_INPUTS = 100_000_000
ADDED_UP = ("faults", "ring-fuzz")
"""Each soak's evidence is a line below those of earlier ones, and begins where they ended."""
PARTS = (
    "spine", "adoption", "cycles", "faults", "power-cut", "bombs",
    "requests", "mesh", "rings", "ring-messages", "ring-writers", "ring-fuzz", "recorder",
)  # fmt: skip
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


def spine(work: Path, seeds: int) -> dict[str, Any]:
    simulated, killed = simulate(work, seeds), kill(work)
    figures = {
        "seeds": len(simulated),
        "failing seeds": [row["seed"] for row in simulated if row["violations"]][:20],
        "kills": len(killed),
        "kills by story": dict(Counter(row["story"] for row in killed)),
    }
    return evidence([*simulated, *killed], figures)


def adoption(work: Path, count: int) -> dict[str, Any]:
    found = sessions.run(work / "adoption.jsonl", count, report=_say)
    killed, ended = [row for row in found if "number" in row], [row for row in found if "number" not in row]
    took = sorted(row["seconds"] for row in killed if row["seconds"])
    failed: Counter[str] = sum((Counter(row["failed"]) for row in ended), Counter())
    figures = {
        "kills by kind": dict(Counter(row["kind"] for row in killed)),
        "points of jobs": len({row["at"] for row in killed if row["kind"] == "job"}),
        "seconds from exec to all 50 shown": {
            "times": len(took),
            "p50": round(statistics.median(took), 3),
            "p95": round(took[len(took) * 95 // 100], 3),
            "max": round(took[-1], 3),
        },
        "of which exod itself worked": round(statistics.median(row["cpu"] for row in killed if row["seconds"]), 3),
        "load of the host": machine()["load"],
        "calls answered": sum(row["answered"] for row in ended),
        "calls failed by name": dict(failed),
        "sessions": len(ended),
    }
    return evidence(found, figures) | {"runs": len(killed)}


def cycles(work: Path, count: int) -> dict[str, Any]:
    """Loads and unloads, and as many kills of instances, zygotes and the keeper; exod's own figures stay flat."""
    cycled = endurance.cycled(work / "cycles.jsonl", count, report=_say)
    killed = endurance.killed(work / "deaths.jsonl", count, report=_say)
    struck = [row for row in killed if "number" in row]
    figures = {
        "cycles": len(cycled) - 1,
        "kills": dict(Counter(f"{row['kind']}, {row['moment']}" for row in struck)),
        "became": dict(Counter(row["became"] or "nothing" for row in struck)),
        "medians early and late": {"cycles": cycled[-1]["windows"], "kills": killed[-1]["windows"]},
    }
    return evidence([*cycled, *killed], figures) | {"runs": len(cycled) + len(killed) - 2}


def faults(work: Path, count: int) -> dict[str, Any]:
    """Goes on after the last seed that the evidence has."""
    first = _next("faults")
    found = endurance.faulted(work / f"faults-{first}.jsonl", first, count, report=_say)
    committed, ended = [row for row in found if "seed" in row], [row for row in found if "seed" not in row]
    figures = {
        "faults by kind": dict(Counter(row["kind"] for row in committed)),
        "became": dict(Counter(_became(row) for row in committed).most_common()),
        "sessions": len(ended),
        "medians early and late": [row["windows"] for row in ended],
    }
    return evidence(found, figures) | {"runs": len(committed), "from": first, "to": first + count - 1}


def _next(name: str) -> int:
    return max((row["to"] for row in _rows(EVIDENCE / f"{name}.jsonl")), default=-1) + 1


def _became(row: Mapping[str, Any]) -> str:
    """A mutated package's answers are too many to tell apart."""
    return f"{row['kind']}: {'removed' if row['kind'] == 'source' else row.get('became', row.get('told', ''))}"


def _say(line: str) -> None:
    print(f"soak: {line}", flush=True)


def power_cuts(work: Path) -> dict[str, Any]:
    """Each case of the virtual machine's suite; what is wrong after the next boot is a violation."""
    report = work / "power-cut.xml"
    if not report.exists():
        part = report.with_suffix(".part")
        what = f"TESTS=tests/vm/soak_power_cut.py --junitxml={part}"
        subprocess.run(["make", "--no-print-directory", "test-vm", what], cwd=ROOT, check=False)
        part.rename(report)
    cases = list(ElementTree.parse(report).iter("testcase"))
    rows = [{"violations": [fault.get("message") for fault in case]} for case in cases]
    times = {str(case.get("name")): round(float(case.get("time", 0))) for case in cases}
    return evidence(rows, {"seconds of each cut, boot included": times})


def bombs(work: Path) -> dict[str, Any]:
    """Each bomb's row; a neighbour that was ended is lost, a verdict that is not the bomb's own a violation."""
    report, found = work / "bombs.json", ROOT / "build/vm/bookworm/bombs.json"
    if not report.exists():
        found.unlink(missing_ok=True)
        subprocess.run(["make", "--no-print-directory", "test-vm", "TESTS=tests/vm/soak_bombs.py"], cwd=ROOT)
        shutil.copy(found, report)
    return judged(json.loads(report.read_text()))


def judged(found: Mapping[str, Any]) -> dict[str, Any]:
    rows = [row | {"violations": (row["code"], row["limit"]) != verdict(row["bomb"])} for row in found["bombs"]]
    shown = ("code", "limit", "seconds", "calls", "p50", "p99", "max")
    figures = {
        "where": "a machine of Debian 12, two cores, 1 GiB; kernel and cpu above are those of its host",
        "neighbours": found["neighbours"],
        "daemon": found["daemon"],
        "calls that failed": len(found["failed"]),
        "milliseconds of a call, quiet": found["quiet"],
        "milliseconds of a call, by bomb": {row["bomb"]: {name: row[name] for name in shown} for row in rows},
        "records of the bomber": found["audit"],
    }
    return evidence(rows, figures) | {"lost": len(found["lost"])}


def requests() -> dict[str, Any]:
    """Minutes: not worth to be taken up again."""
    with tempfile.TemporaryDirectory() as place:
        found = losses.run(Path(place) / "requests", REQUEST_KILLS, report=_say)
    figures = {what: sum(row[what] for row in found) for what in ("asked", "lost requests")}
    return evidence(found, figures)


def meshed() -> dict[str, Any]:
    """Fifty plugins within the default limits; a run is a message that was to arrive."""
    with tempfile.TemporaryDirectory() as place:
        heard = mesh.run(Path(place) / "mesh", count=MESH, rounds=MESH_ROUNDS)
    awaited = MESH * (MESH - 1) * MESH_ROUNDS
    beyond = heard.unfairness() > 2 or len(heard.links) != MESH * (MESH - 1)
    figures = {
        "links": len(heard.links),
        "dropped by their senders, before the links were made": heard.dropped,
        "most heard by least heard, at half": round(heard.unfairness(), 2),
        "bytes of the largest, rings included": max(heard.memory.values()),
        "descriptors of the one with most": max(heard.files.values()),
    }
    return evidence([], figures) | {
        "runs": awaited,
        "lost": abs(heard.missed - heard.dropped),
        "violations": heard.wrong + beyond,
    }


def rings() -> dict[str, Any]:
    """Half a minute, so that it is not worth to be taken up again."""
    struck = [traffic.strike(number) for number in range(RING_KILLS)]
    return evidence(struck, {"kills": dict(Counter(str(row["killed"]) for row in struck))})


def ring_messages(work: Path) -> dict[str, Any]:
    found = soaks.streamed(work / "ring-messages.jsonl", RING_MESSAGES, report=_say)
    return evidence(found, {"streams": len(found)}) | {"runs": sum(row["messages"] for row in found)}


def ring_writers(work: Path) -> dict[str, Any]:
    found = soaks.scribbled(work / "ring-writers.jsonl", report=_say)
    return evidence(found, {"fields": {row.pop("field"): row for row in found}})


def ring_fuzz(work: Path) -> dict[str, Any]:
    """Goes on after the last seed that the evidence has."""
    first = _next("ring-fuzz")
    seeds = range(first, first + RING_INPUTS // soaks.FUZZED)
    found = soaks.fuzzed(work / f"ring-fuzz-{first}.jsonl", seeds, report=_say)
    tried = sum(row["tried"] for row in found)
    return evidence(found, {"seeds": len(found)}) | {"runs": tried, "from": first, "to": seeds[-1]}


def evidence(rows: Sequence[Mapping[str, Any]], figures: Mapping[str, Any]) -> dict[str, Any]:
    about = machine()
    return {
        "runs": len(rows),
        "lost": _count(rows, "lost"),
        "residue": _count(rows, "residue"),
        "violations": _count(rows, "violations") + sum(not row.get("killed", True) for row in rows),
        "commit": about["commit"],
        "kernel": platform.release(),
        "cpu": f"{about['cpu']}, {about['cores']} cores",
        "figures": figures,
    }


def _count(rows: Iterable[Mapping[str, Any]], kind: str) -> int:
    return sum(bool(row.get(kind)) for row in rows)


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--seeds", type=int, default=SEEDS, help=f"how many seeds of the simulation ({SEEDS})")
    parser.add_argument("--kills", type=int, default=KILLS, help=f"how many kills over fifty instances ({KILLS})")
    parser.add_argument("--cycles", type=int, default=CYCLES, help=f"how many cycles, and as many kills ({CYCLES})")
    parser.add_argument("--faults", type=int, default=FAULTS, help=f"how many faults of plugins ({FAULTS})")
    parser.add_argument("--only", choices=PARTS, help="one, and its evidence")
    parser.add_argument("--fresh", action="store_true", help="forget what an earlier soak of this commit finished")
    chosen = parser.parse_args(arguments)
    work = ROOT / "build" / "soak" / machine()["commit"]
    if chosen.fresh or work.name.endswith("+"):  # a tree with changes is another tree every time
        shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True, exist_ok=True)
    parts = {
        "spine": lambda: spine(work, chosen.seeds),
        "adoption": lambda: adoption(work, chosen.kills),
        "cycles": lambda: cycles(work, chosen.cycles),
        "faults": lambda: faults(work, chosen.faults),
        "power-cut": lambda: power_cuts(work),
        "bombs": lambda: bombs(work),
        "requests": requests,
        "mesh": meshed,
        "rings": rings,
        "ring-messages": lambda: ring_messages(work),
        "ring-writers": lambda: ring_writers(work),
        "ring-fuzz": lambda: ring_fuzz(work),
        "recorder": lambda: evidence(*recorded.run()),
    }
    return max(told(name, part) for name, part in parts.items() if chosen.only in (None, name))


def told(name: str, part: Callable[[], dict[str, Any]]) -> int:
    """Writes the evidence; 1 when it speaks against us."""
    began = time.monotonic()
    found = part()
    found["figures"]["seconds of this session"] = round(time.monotonic() - began)
    EVIDENCE.mkdir(exist_ok=True)
    if name in ADDED_UP:
        with (EVIDENCE / f"{name}.jsonl").open("a") as lines:
            lines.write(json.dumps(found) + "\n")
    else:
        (EVIDENCE / f"{name}.json").write_text(json.dumps(found, indent=1) + "\n")
    print(f"soak: {name}: " + ", ".join(f"{key} {found[key]}" for key in ("runs", "lost", "residue", "violations")))
    return int(any(found[key] for key in ("lost", "residue", "violations")))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
