"""Many at once: what an idle plugin costs in memory, what the daemon costs, and what listing them takes."""

import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from bench.host import rss, uss
from bench.packages import Sample
from bench.peers import PEERS
from bench.rows import Row, at_most, median
from bench.target import Target

PLAIN = "python3 + pluggy"
SERVICE = "dbus-next service, plain process"
FORKSERVER = "multiprocessing forkserver"


def many(target: Target, samples: Sequence[Sample], *, peer_pid: int) -> list[Row]:
    """T5: all requested at once; then each idle, and measured. `peer_pid` is an ordinary dbus-next service."""
    took = target.load_at_once([sample.fd for sample in samples]) / 1e3
    states = {target.state_of(sample.name) for sample in samples}
    if states != {"running"}:
        raise RuntimeError(f"not all plugins run: {sorted(states)}")
    idle = median([uss(target.pid_of(sample.name)) for sample in samples])
    peers = {name: _idle(name) for name in (PLAIN, FORKSERVER)}
    count, daemon = len(samples), rss(target.daemon.pid)
    return [
        Row(f"T5.loaded-at-once.{count}", took, "s"),
        Row("uss.idle-plugin", idle, "MiB", peers[PLAIN], PLAIN, None, at_most(2.0)),
        Row("P3.memory.idle-plugin", idle, "MiB", peers[FORKSERVER], FORKSERVER, None, at_most(2.0)),
        Row(f"rss.daemon.after-{count}-loads", daemon, "MiB", rss(peer_pid), SERVICE, None, at_most(40.0)),
    ]


def _idle(name: str) -> float:
    peer = PEERS[name]()
    figure = uss(peer.pid)
    peer.end()
    return figure


def listing(target: Target, *, suffix: str, rounds: int, aim: float | None) -> list[Row]:
    """`exoctl plugin list` as a command, beside busctl asking the same daemon, and an interpreter that does nothing."""
    exoctl = str(Path(sys.executable).with_name("exoctl"))
    address = target.daemon.environment["EXOD_BUS_ADDRESS"]
    manager = ("org.exoos.Exod1", "/org/exoos/Exod1", "org.exoos.Exod1.Manager", "ListLoaded")
    commands = {
        "table": [exoctl, "plugin", "list"],
        "json": [exoctl, "--json", "plugin", "list"],
        "busctl": ["busctl", f"--address={address}", "call", *manager],
        "floor": [sys.executable, "-I", "-c", ""],
    }
    times: dict[str, list[float]] = {name: [] for name in commands}
    for number in range(rounds + 2):
        for name, command in commands.items():
            figure = _run(command, target)
            if number >= 2:
                times[name].append(figure)
    busctl, floor = median(times["busctl"]), median(times["floor"])
    aims = {"table": None, "json": None if aim is None else at_most(aim)}
    return [
        Row(f"exoctl.list.{form}{suffix}", median(times[form]), "ms", busctl, "busctl", floor, aims[form])
        for form in ("table", "json")
    ]


def _run(command: Sequence[str], target: Target) -> float:
    began = time.perf_counter()
    subprocess.run(command, env=target.daemon.environment, stdout=subprocess.DEVNULL, check=True)
    return (time.perf_counter() - began) * 1e3
