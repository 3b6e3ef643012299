"""`python -m bench`: every figure of exod in one run → bench/latest.json and a table. `--quick` is for a first look."""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import (
    alive,
    floods,
    loads,
    messages,
    readiness,
    recovery,
    ring_core,
    ring_peers,
    rings,
    service,
    verdict,
    walls,
    watching,
)
from bench.host import machine
from bench.packages import make_flooder, make_samples, make_talkers
from bench.rows import Row, table
from bench.target import Target
from exoctl.bus import Connection

LATEST = Path(__file__).with_name("latest.json")


@dataclass(frozen=True, slots=True)
class Effort:
    """How often each figure is taken."""

    loads: int
    in_a_row: int
    alive: int
    calls: int
    commands: int
    starts: int
    trips: int


FULL = Effort(loads=105, in_a_row=100, alive=50, calls=2000, commands=15, starts=9, trips=10_000)
QUICK = Effort(loads=25, in_a_row=20, alive=10, calls=300, commands=5, starts=3, trips=2_000)


@contextmanager
def scratch() -> Iterator[tuple[Path, Path]]:
    """Two directories that are gone afterwards: one on disk, one in memory."""
    root = Path(tempfile.mkdtemp(prefix="exod-bench-"))
    memory = root / "memory"
    memory.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=0700", "bench", str(memory)], check=True)
    try:
        yield root, memory
    finally:
        subprocess.run(["umount", str(memory)], check=True)
        shutil.rmtree(root)


def measure(effort: Effort, disk: Path, memory: Path) -> list[Row]:
    say = _progress
    say("packages")
    samples = make_samples(disk / "packages", count=max(effort.loads, effort.in_a_row, effort.alive))
    anchor = samples[0].anchor
    with service.peer_bus(disk) as (address, peer):
        say("verification")
        rows = verdict.verification(samples[0])
        say(f"{effort.starts} starts")
        rows += readiness.starts(disk / "starts", peer_address=address, rounds=effort.starts)
        say(f"{effort.loads} loads")
        with Target(disk / "loads", anchor=anchor) as on_disk, Target(memory / "loads", anchor=anchor) as in_memory:
            rows += loads.interleaved(on_disk, in_memory, samples[: effort.loads])
        say(f"{effort.in_a_row} loads in a row")
        with Target(disk / "row", anchor=anchor) as target:
            rows.append(loads.in_a_row(target, samples[: effort.in_a_row]))
        say(f"{effort.loads} cold starts")
        rows += walls.cold_starts(disk / "walls", rounds=effort.loads)
        say(f"{effort.alive} crashes, and {effort.in_a_row} unloaded at once")
        with Target(disk / "recovery", anchor=anchor) as target:
            rows += recovery.crashes(target, samples[: effort.alive])
        with Target(disk / "clean-up", anchor=anchor) as target:
            rows.append(recovery.clean_up(target, samples[: effort.in_a_row]))
        say(f"{effort.alive} at once, then calls")
        with Target(disk / "alive", anchor=anchor) as target:
            rows += alive.listing(target, suffix="", rounds=effort.commands, aim=70.0)
            rows += alive.many(target, samples[: effort.alive], peer_pid=peer.pid)
            rows += alive.listing(target, suffix=f".{effort.alive}-plugins", rounds=effort.commands, aim=None)
            connection = Connection(address)
            rows += service.calls(target, samples[0].name, peer=connection, rounds=effort.calls)
            connection.close()
        say(f"{effort.in_a_row} looked at")
        with Target(disk / "watching", anchor=anchor) as target:
            rows += watching.watching(target, samples[: effort.in_a_row])
    say("a flood of denials")
    flooder = make_flooder(disk / "flooder")
    with Target(disk / "floods", anchor=flooder.anchor) as target:
        rows += floods.floods(target, flooder, directory=disk / "audit")
    say(f"{effort.trips} round trips between two plugins")
    talkers = make_talkers(disk / "talkers")
    with Target(disk / "messages", anchor=talkers[0].anchor) as target:
        rows += messages.messages(target, talkers, trips=effort.trips)
    say(f"{effort.starts} rounds of messages between two processes")
    with service.private_bus(memory) as bus, ring_peers.installed(memory, bus=bus) as (peers, missing):
        for name in missing:
            say(f"no figures of {name}: it is not installed")
        rows += rings.rings(peers, rounds=effort.starts, messages=effort.calls * 20)
    return rows + ring_core.cores_alone(disk, rounds=effort.starts)


def _progress(what: str) -> None:
    print(f"bench: {what}", file=sys.stderr, flush=True)


def document(rows: Sequence[Row], before: dict[str, str]) -> dict[str, Any]:
    return {"machine": before, "load_after": machine()["load"], "rows": [row.as_json() for row in rows]}


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few rounds; latest.json is left alone")
    quick = parser.parse_args(arguments).quick
    if os.geteuid() != 0:
        parser.error("needs root, as exod does")
    before = machine()
    with scratch() as (disk, memory):
        rows = measure(QUICK if quick else FULL, disk, memory)
    if not quick:
        LATEST.write_text(json.dumps(document(rows, before), indent=1) + "\n")
    print("  ".join(f"{key}: {value}" for key, value in before.items()))
    print(table(rows))
    aims = [row.met for row in rows if row.met is not None]
    print(f"bench: {sum(aims)} of {len(aims)} aims met")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
