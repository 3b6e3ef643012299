"""What a flood of denials from one plugin costs exod's loop: percent of one core, of the thread that the loop runs in.

Through a channel a plugin offers as many as it can, and exod takes as many as it will; what it then does for each is
measured apart, at a hundred thousand a second.
"""

import asyncio
import os
import time
from pathlib import Path

from bench.packages import Sample
from bench.rows import Row, at_most
from bench.target import DEADLINE, Target
from exod.names import service_path
from exod.state.audit import Audit
from exod.state.writer import Writer
from exod.supervisor.ledger import Ledger

SECONDS = 5.0
OFFERED = 100_000
"""Denials a second."""
_TICK = os.sysconf("SC_CLK_TCK")


def floods(target: Target, sample: Sample, *, directory: Path) -> list[Row]:
    """Questions for a setting that it does not hold, then signals beyond what anybody is sent."""
    target.load_at_once([sample.fd])
    rows = [Row("flood.intake.100k", asyncio.run(_intake(directory)) * 100, "%", aim=at_most(5.0))]
    for kind in ("question", "signal"):
        share, tried, taken = _flood(target, sample.name, kind)
        rows += [
            Row(f"flood.{kind}.loop", share * 100, "%", aim=at_most(5.0)),
            Row(f"flood.{kind}.offered", tried / SECONDS, "1/s"),
            Row(f"flood.{kind}.taken", taken / SECONDS, "1/s"),
        ]
    return rows


def _flood(target: Target, name: str, kind: str) -> tuple[float, int, int]:
    """The share of the loop's time; how many the plugin tried to send, and how many the channel took."""
    pid = target.daemon.pid
    before, began = _loop(pid), time.monotonic()
    asked = (service_path(name, "bench"), "org.exoos.Bench1", "Flood", "sd", [kind, SECONDS])
    tried, taken = target.bus.call(*asked, deadline=DEADLINE)
    return (_loop(pid) - before) / (time.monotonic() - began), tried, taken


def _loop(pid: int) -> float:
    """Seconds of the thread that the loop runs in."""
    fields = Path(f"/proc/{pid}/task/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICK


async def _intake(directory: Path) -> float:
    """Seconds of the loop for OFFERED denials of one plugin, from the ledger on."""
    writer = Writer()
    audit = await Audit.open(directory, writer=writer)
    note, took = Ledger(audit).note, 0.0
    for _ in range(10):
        began = time.thread_time()
        for _ in range(OFFERED // 10):
            note("strike", "instance 7", "plugin hostile", plugin="hostile", instance=7, reason="it lied")
        took += time.thread_time() - began
        await asyncio.sleep(0)
    await audit.close()
    await writer.close()
    return took
