"""A process that records, and is killed at some point; then whether what it had flushed is all there.

    python -m tests.recorder.kills DIRECTORY FIRST POINT

records rows from FIRST on, says each time how many are flushed, and kills itself in the POINT-th call that changes a
file, half way through if that call writes. POINT 0: goes on until somebody kills it.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

from store import Store

ROOT = Path(__file__).parents[2]
NOW = 1_700_000_000_000
MOST, SEAL = 192 << 10, 8 << 10
EFFECTS = ("pwrite", "fsync", "ftruncate", "truncate", "unlink", "open")


def row(number: int) -> dict[str, float]:
    """Whoever knows the number knows the row; they are not all alike."""
    values = {"a/b.number": float(number), "a/b.thirds": number / 3}
    return values | {f"c/d.{number % 7}": number / 10} if number % 3 == 0 else values


def record(directory: str, first: int, point: int) -> None:
    if point:
        die_at(point)
    store = Store(directory, most=MOST, seal=SEAL)
    store.open()
    while True:
        last = first + 1 + first % 40
        for number in range(first, last):
            store.add(NOW + 1000 * number, row(number))
        store.flush()
        first = last
        os.write(1, f"{first}\n".encode())


def die_at(point: int) -> None:
    left = point

    def killing(name: str) -> None:
        real = getattr(os, name)

        def call(*arguments: object, **more: object) -> object:
            nonlocal left
            left -= 1
            if left == 0:
                if name == "pwrite":
                    file, data, at = arguments
                    real(file, data[: len(data) // 2], at)  # type: ignore[index]
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*arguments, **more)

        setattr(os, name, call)

    for name in EFFECTS:
        killing(name)


def run(directory: Path, count: int) -> Iterator[dict[str, Any]]:
    """So many processes, one after the other in the same directory; of each what `strike` found."""
    first = 0
    for seed in range(count):
        found = strike(directory, seed, first)
        first = found["rows"]
        yield found


def strike(directory: Path, seed: int, first: int) -> dict[str, Any]:
    """One process more: how many rows are there when it is dead, and what is wrong with them."""
    random = Random(seed)
    point = random.randrange(1, 400) if random.random() < 0.6 else 0
    process, flushed = killed(directory, first, point, after=random.randrange(1, 60))
    store = Store(str(directory), most=MOST, seal=SEAL)
    store.open()
    rows = int(max((value for _, value in pairs(store, "a/b.number", 0)), default=-1.0)) + 1
    found = {
        "rows": rows,
        "killed": process == -signal.SIGKILL,
        "by": "itself" if point else "another",
        "lost": [] if rows >= flushed else [f"{flushed} rows were flushed, {rows} are there"],
        "violations": changed(store, rows),
        "residue": leftovers(directory),
    }
    store.close()
    return found


def killed(directory: Path, first: int, point: int, *, after: int) -> tuple[int, int]:
    """Its status, and how many rows it had said were flushed. Without a point it is killed when it said so the
    `after`-th time.
    """
    command = [sys.executable, "-m", "tests.recorder.kills", str(directory), str(first), str(point)]
    flushed = first
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for times, line in enumerate(process.stdout, start=1):
            flushed = int(line)
            if times == after and point == 0:
                process.kill()
    return process.returncode, flushed


def changed(store: Store, rows: int) -> list[str]:
    """From the oldest row that is kept to the newest none is missing, and none is another one."""
    kept = pairs(store, "a/b.number", 0)
    oldest = int(kept[0][1]) if kept else rows
    wrong = []
    for name in ("a/b.number", "a/b.thirds", *(f"c/d.{one}" for one in range(7))):
        due = [(NOW + 1000 * number, row(number)[name]) for number in range(oldest, rows) if name in row(number)]
        if pairs(store, name, NOW + 1000 * oldest) != due:
            wrong.append(f"{name} is not what was written")
    return wrong + ([f"{store.damaged} pieces cannot be read"] if store.damaged else [])


def pairs(store: Store, name: str, first: int) -> list[tuple[float, float]]:
    """Times and values from `first` on, in the order in which they came."""
    return [
        (time, number / scale)
        for times, numbers, scale in store.parts(name, first, 1 << 60)
        for time, number in zip(times, numbers, strict=True)
    ]


def leftovers(directory: Path) -> list[str]:
    files = list(directory.iterdir())
    wrong = [f"{path.name} is left" for path in files if path.name != "journal" and path.suffix != ".frames"]
    size = sum(path.stat().st_size for path in files)
    return wrong if size <= MOST else [*wrong, f"{size} bytes are kept"]


if __name__ == "__main__":
    record(sys.argv[1], *map(int, sys.argv[2:]))
