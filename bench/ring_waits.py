"""`python -I -m bench.ring_waits`: what each step of a ring's waiting gains. The ring is built once as it is, and once
with each step changed; all of them take turns, and a table says what a message and the processor's time for it cost.

docs/adr/0012 holds the verdicts. No part of `make bench`: a step is judged when somebody wants to change it.
"""

import json
import resource
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from pathlib import Path

from bench import rings
from bench.host import ROOT, machine
from bench.ring_ways import TURN, ends, one_by_one, ring_turn
from bench.rows import median, percentile

Change = tuple[str, str]
_SLEEP = "    while (!ready(ring)) {\n        if (ring_now() >= deadline"
STEPS: Mapping[str, Sequence[Change]] = {
    "as it is": (),
    "sleeps at once": (("#define RING_SPIN 2000 ", "#define RING_SPIN 0 "), ("RING_SPIN_MIN 16", "RING_SPIN_MIN 0")),
    "looks as long each time": (
        ("patience->spin = patience->spin / 2 > RING_SPIN_MIN ? patience->spin / 2 : RING_SPIN_MIN;", ""),
    ),
    "looks on one core too": (("memory_order_relaxed) == cpu) {", "memory_order_relaxed) == UINT32_MAX) {"),),
    "looks there as long": (
        ("memory_order_relaxed) == cpu) {", "memory_order_relaxed) == UINT32_MAX) {"),
        ("patience->spin = patience->spin / 2 > RING_SPIN_MIN ? patience->spin / 2 : RING_SPIN_MIN;", ""),
    ),
    "yields nowhere": (("            sched_yield();", "            ;"),),
    "yields on two cores too": ((_SLEEP, "    if (!ready(ring))\n        sched_yield();\n" + _SLEEP),),
    "says its core in waits": (
        ("        atomic_store_explicit(&mine->cpu, (uint32_t)sched_getcpu(), memory_order_relaxed); /*", "        /*"),
    ),
    "naps without bound": (("#define RING_NAP 100000000 ", "#define RING_NAP 999999999 "),),
}
"""What is written elsewhere in `_bell.h`."""
_RING = ROOT / "exosdk/ring"
_MEASURE = "import sys; sys.path.insert(0, sys.argv[1]); from bench import ring_waits; ring_waits.measure()"


def changed(bell: str, changes: Sequence[Change]) -> str:
    for old, new in changes:
        if bell.count(old) != 1:
            raise RuntimeError(f"_bell.h holds not once: {old}")
        bell = bell.replace(old, new)
    return bell


def build(tree: Path, changes: Sequence[Change]) -> None:
    """An exosdk of its own in `tree`, with the ring so changed."""
    into = tree / "exosdk/ring"
    shutil.copytree(_RING, into, ignore=shutil.ignore_patterns("*.so", "__pycache__"))
    shutil.copy(_RING.parent / "__init__.py", into.parent)
    (into / "_bell.h").write_text(changed((into / "_bell.h").read_text(), changes))
    library = into / f"_ring{sysconfig.get_config_var('EXT_SUFFIX')}"
    flags = ["-shared", "-fPIC", "-O2", "-fvisibility=hidden", f"-I{sysconfig.get_path('include')}"]
    subprocess.run(["gcc", *flags, *map(str, sorted(into.glob("*.c"))), "-o", str(library)], check=True)


# --- in a process that has one of them --------------------------------------------------------------------------------


def measure() -> None:
    apart, together = rings.LAST, rings.FIRST
    said = {
        "one way": rings.staged(partial(rings.one_way, one_by_one, TURN, 50_000)),
        "there and back": rings.staged(partial(trips, apart)),
        "after idling": rings.staged(partial(bursts, apart)),
        "on one core": rings.staged(partial(trips, together)),
        "every 20 us": rings.staged(partial(paced, apart, 20_000, 5000)),
        "every ms": rings.staged(partial(paced, apart, 1_000_000, 300)),
    }
    print(json.dumps(said))


def _cpu(who: int) -> float:
    used = resource.getrusage(who)
    return (used.ru_utime + used.ru_stime) * 1e9


def trips(core: Collection[int]) -> list[float]:
    """Nanoseconds: half of the trips, all but one of a hundred; and of both processors for one."""
    count = 4000
    began = _cpu(resource.RUSAGE_SELF)
    took = rings.round_trips(ring_turn(waits=True), count, core)
    used = _cpu(resource.RUSAGE_SELF) - began + _cpu(resource.RUSAGE_CHILDREN)
    return [median(took), percentile(took, 0.99), used / count]


def bursts(core: Collection[int]) -> list[float]:
    """As trips, of a hundred in a row after ten that had a millisecond between them; the processor of all."""
    turn, count = ring_turn(waits=True)(), 20
    other = rings.Other(lambda tell: (tell(), turn.answerer()(count * 110)), core)
    ask = turn.asker()
    took: list[float] = []
    began = _cpu(resource.RUSAGE_SELF)
    for _ in range(count):
        for _ in range(10):
            time.sleep(1e-3)
            ask()
        for _ in range(100):
            before = time.perf_counter_ns()
            ask()
            took.append(float(time.perf_counter_ns() - before))
    other.let_go()
    used = _cpu(resource.RUSAGE_SELF) - began + _cpu(resource.RUSAGE_CHILDREN)
    return [median(took), percentile(took, 0.99), used / len(took)]


def paced(core: Collection[int], gap: int, count: int) -> list[float]:
    """Nanoseconds from push to pop, when a message comes each `gap`; and of the reader's processor for one."""
    producer, consumer = ends()

    def write(tell: Callable[[], object]) -> None:
        tell()
        due = time.perf_counter_ns() + 1_000_000
        for _ in range(count):
            while (left := due - time.perf_counter_ns()) > 0:
                if left > 200_000:
                    time.sleep((left - 100_000) / 1e9)
            while not producer.push(1, time.perf_counter_ns().to_bytes(8, "little")):
                producer.wait(1.0)
            due += gap

    other = rings.Other(write, core)
    took: list[float] = []
    began = _cpu(resource.RUSAGE_THREAD)
    while len(took) < count:
        if (found := consumer.pop()) is None:
            consumer.wait(1.0)
        else:
            took.append(float(time.perf_counter_ns() - int.from_bytes(bytes(found[1]), "little")))
    used = _cpu(resource.RUSAGE_THREAD) - began
    other.let_go()
    return [median(took), percentile(took, 0.99), used / count]


# --- all of them ------------------------------------------------------------------------------------------------------


def compare(rounds: int) -> dict[str, dict[str, list[float]]]:
    found: dict[str, list[dict[str, list[float]]]] = {name: [] for name in STEPS}
    with tempfile.TemporaryDirectory(prefix="ring-waits-") as root:
        for number, changes in enumerate(STEPS.values()):
            build(Path(root, str(number)), changes)
        for _ in range(rounds):
            for number, name in enumerate(STEPS):
                command = [sys.executable, "-I", "-c", _MEASURE, str(Path(root, str(number)))]
                found[name].append(json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout))
    return {
        name: {
            case: [percentile(column, 0.25) for column in zip(*(one[case] for one in said), strict=True)]
            for case in said[0]
        }
        for name, said in found.items()
    }


def _of_rounds(figures: Sequence[Sequence[float]]) -> list[float]:
    """Of each the one that a quarter of the rounds stayed below: what others did on the machine is no step's fault."""
    return [percentile(column, 0.25) for column in zip(*figures, strict=True)]


def main(rounds: int) -> None:
    found = compare(rounds)
    print("  ".join(f"{key}: {value}" for key, value in machine().items()))
    print("microseconds: half, all but one of a hundred, processor; `one way`: a message of a stream")
    cases = list(found["as it is"])
    print(f"{'':24}" + "".join(f"{case:>22}" for case in cases))
    for name, said in found.items():
        cells = (" ".join(f"{figure / 1e3:.3g}" for figure in said[case]) for case in cases)
        print(f"{name:24}" + "".join(f"{cell:>22}" for cell in cells))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 9)
