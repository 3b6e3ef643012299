"""`python -m tests.simulation --seed N` prints one run; `--seeds A..B [--jsonl FILE]` sweeps, a row for each seed;
`--kill-points` dies once at every point of every job. Seeds that FILE already has are not run again.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from tests.simulation.driver import Run, run
from tests.simulation.killpoints import CASES, kill_everywhere


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seed", type=int, help="run this one and print its trace")
    parser.add_argument("--seeds", type=_span, metavar="A..B", help="run these")
    parser.add_argument("--jsonl", type=Path, help="where to append a row for each seed")
    parser.add_argument("--kill-points", action="store_true", help="kill at every point of every job")
    chosen = parser.parse_args(arguments)
    if chosen.seed is not None:
        return _show(run(chosen.seed))
    if chosen.kill_points:
        return _kill()
    if chosen.seeds is None:
        parser.error("nothing to do: give --seed, --seeds or --kill-points")
    return _sweep(chosen.seeds, chosen.jsonl)


def _show(result: Run) -> int:
    print("\n".join(result.trace))
    print(f"seed {result.seed}: {'; '.join(result.problems) or 'ok'} {result.counts}")
    return int(not result.ok)


def _sweep(seeds: range, path: Path | None) -> int:
    done = {row["seed"] for row in _rows(path)}
    wrong = [row["seed"] for row in _rows(path) if row["violations"]]
    out = path.open("a") if path is not None else None
    try:
        for seed in seeds:
            if seed in done:
                continue
            result = run(seed)
            if result.problems:
                wrong.append(seed)
                print(f"seed {seed}: {'; '.join(result.problems)}")
            if out is not None:
                row = {"seed": seed, "violations": result.problems, **result.counts}
                out.write(json.dumps(row) + "\n")
                out.flush()
    finally:
        if out is not None:
            out.close()
    print(f"simulation: {len(seeds)} seeds, {len(wrong)} wrong")
    return int(bool(wrong))


def _kill() -> int:
    wrong = total = 0
    for case in CASES:
        results = list(kill_everywhere(case))
        total += len(results)
        for result in results:
            if result.problems:
                wrong += 1
                print(json.dumps(asdict(result)))
        print(f"{case.name}: {len(results)} points")
    print(f"simulation: killed at {total} points, {wrong} wrong")
    return int(bool(wrong))


def _rows(path: Path | None) -> Iterator[dict]:
    if path is not None and path.exists():
        for line in path.read_text().splitlines():
            yield json.loads(line)


def _span(text: str) -> range:
    first, _, last = text.partition("..")
    return range(int(first), int(last or first) + 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
