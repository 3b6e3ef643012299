"""PACKAGES STATE PACE CALLS BOMB:PATIENCE… → one line of JSON: what calls of the neighbours took, CALLS of them before
the first bomb and the others under each; how the bomber ended, and what it left.

Runs wherever exoctl does, in a machine too: it imports nothing of the tests. One connection calls one neighbour after
the other, every PACE seconds, and asks between two calls what became of the bomber. One that is still there after
PATIENCE seconds is unloaded.
"""

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from itertools import cycle
from pathlib import Path
from typing import Any

from exoctl.bus import DRIVER, DRIVER_PATH, PROPERTIES, SYSTEM_BUS, Connection
from exoctl.codec import Variant
from exod.errors import Refused
from exod.names import BUS_NAME, ROOT_PATH, plugin_path, service_path

BOMBER = "bomber"
MANAGER, PLUGIN, JOB = f"{BUS_NAME}.Manager", f"{BUS_NAME}.Plugin", f"{BUS_NAME}.Job"
ENDED = ("done", "failed", "refused", "cancelled")
DEADLINE = 200.0
"""Seconds for whatever comes some time; nothing is wrong with a host that is slow."""


class Trial:
    def __init__(self, packages: Path, state: Path, *, pace: float) -> None:
        self.packages, self.state, self.pace = packages, state, pace
        self.bus = Connection(os.environ.get("EXOD_BUS_ADDRESS", SYSTEM_BUS), deadline=DEADLINE)
        self.names = sorted(path.stem for path in packages.glob("*.exopkg") if path.stem != BOMBER)
        self.turn: Iterator[str] = cycle(self.names)
        self.took: list[float] = []
        self.failed: list[str] = []

    # --- the neighbours ----------------------------------------------------------------------------------------------

    def call(self) -> None:
        """One neighbour; then its share of time passes: nobody sends this connection any signal."""
        name, began = next(self.turn), time.monotonic()
        try:
            answer = self.bus.call(service_path(name, "calm"), "org.example.Calm1", "Echo", "s", [name])
        except Refused as refused:
            answer = [refused.refusal.sentence]
        if answer != [name]:
            self.failed.append(f"{name}: {answer}")
        self.took.append(time.monotonic() - began)
        self.bus.signal(deadline=max(0.0, began + self.pace - time.monotonic()))

    def call_until(self, happened: Callable[[], bool], *, within: float) -> bool:
        """Goes on calling; whether it happened. What it asks is asked between two calls, and takes part in none."""
        until = time.monotonic() + within
        while not happened():
            if time.monotonic() > until:
                return False
            self.call()
        return True

    def processes(self) -> dict[str, int]:
        return {name: self.row(name)["ProcessId"] for name in self.names}

    def figures(self) -> dict[str, Any]:
        """Of the calls since the last figures, in milliseconds."""
        took, self.took = sorted(1e3 * one for one in self.took), []
        shares = {"p50": 0.5, "p99": 0.99, "max": 1.0}
        at = {name: took[int(share * (len(took) - 1))] for name, share in shares.items() if took}
        return {"calls": len(took)} | {name: round(value, 2) for name, value in at.items()}

    # --- the bomber --------------------------------------------------------------------------------------------------

    def row(self, name: str) -> dict[str, Any]:
        return self.bus.properties(plugin_path(name), PLUGIN)

    def load(self, name: str) -> None:
        descriptor = os.open(self.packages / f"{name}.exopkg", os.O_RDONLY)
        options = {"start": Variant("b", True)}
        [job] = self.bus.call(ROOT_PATH, MANAGER, "Load", "ha{sv}", [0, options], fds=(descriptor,))
        os.close(descriptor)
        said = self.finished(job, busy=False)
        assert said["State"] == "done", said["Refusal"]

    def finished(self, job: str, *, busy: bool) -> dict[str, Any]:
        until = time.monotonic() + DEADLINE
        while (said := self.bus.properties(job, JOB))["State"] not in ENDED:
            assert time.monotonic() < until, f"{job} did not end"
            if busy:
                self.call()
        return said

    def unload(self) -> dict[str, Any]:
        return self.finished(self.bus.call(plugin_path(BOMBER), PLUGIN, "Unload")[0], busy=True)

    def state_of(self) -> str:
        return str(self.bus.call(plugin_path(BOMBER), PROPERTIES, "Get", "ss", [PLUGIN, "StateName"])[0].value)

    def attack(self, bomb: str, *, patience: float) -> dict[str, Any]:
        self.load(BOMBER)
        pid = self.row(BOMBER)["ProcessId"]
        group = group_of(pid)
        self.took.clear()
        began = time.monotonic()
        self.bus.call(service_path(BOMBER, "bomber"), "org.example.Bomber1", "Throw", "s", [bomb])
        if bomb == "sigterm":
            os.kill(pid, signal.SIGTERM)
        self.call_until(lambda: self.state_of() == "error", within=patience)
        fault, seconds = self.row(BOMBER)["Fault"], time.monotonic() - began
        stopped = self.unload()["Result"].get("stop", "")
        under = self.figures()
        gone = self.call_until(lambda: not group.exists(), within=DEADLINE)
        return {
            "bomb": bomb,
            "code": fault.get("code", ""),
            "limit": fault.get("evidence.limit", ""),
            "sentence": fault.get("sentence", stopped),
            "seconds": round(seconds, 2),
            "residue": [] if gone else [str(group)],
            **under,
        }

    # --- all of it ---------------------------------------------------------------------------------------------------

    def run(self, calls: int, bombs: list[tuple[str, float]]) -> dict[str, Any]:
        for name in self.names:
            self.load(name)
        daemon, before = self.daemon(), self.processes()
        for _ in range(calls):
            self.call()
        quiet = self.figures()
        rows = [self.attack(bomb, patience=patience) for bomb, patience in bombs]
        lost = [name for name, pid in self.processes().items() if before[name] != pid]
        return {
            "neighbours": len(self.names),
            "quiet": quiet,
            "bombs": rows,
            "lost": lost,
            "failed": self.failed,
            "daemon": "same" if self.daemon() == daemon else "another",
            "audit": self.audited(),
        }

    def daemon(self) -> int:
        [pid] = self.bus.call(DRIVER_PATH, DRIVER, "GetConnectionUnixProcessID", "s", [BUS_NAME], destination=DRIVER)
        return int(pid)

    def audited(self) -> dict[str, int]:
        """Records about the bomber, by event and, of faults, by code and limit."""
        counts: dict[str, int] = {}
        lines = [line for file in sorted((self.state / "audit").glob("audit-*")) for line in file.open()]
        for row in map(json.loads, lines):
            fields = row["fields"]
            if BOMBER in (fields.get("plugin"), fields.get("by", "").removeprefix("plugin ")):
                words = (row["event"], *(fields[name] for name in ("code", "evidence.limit") if name in fields))
                counts[" ".join(words)] = counts.get(" ".join(words), 0) + int(fields.get("count", 1))
        return counts


def group_of(pid: int) -> Path:
    """Where its cgroup lies."""
    mounted = next(line.split()[4] for line in Path("/proc/self/mountinfo").open() if " - cgroup2 " in line)
    words = next(line for line in Path(f"/proc/{pid}/cgroup").open() if line.startswith("0::"))
    return Path(mounted) / words.strip()[4:]


if __name__ == "__main__":
    packages, state, pace, calls, *bombs = sys.argv[1:]
    trial = Trial(Path(packages), Path(state), pace=float(pace))
    pairs = (one.partition(":") for one in bombs)
    sys.stdout.write(json.dumps(trial.run(int(calls), [(bomb, float(patience)) for bomb, _, patience in pairs])))
