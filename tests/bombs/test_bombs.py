"""Three neighbours beside one bomber, on whatever ceilings this host has; fifty, and a kernel's controllers, are in
tests/vm/soak_bombs.py.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from exosdk.testing.daemon import Daemon
from tests.acceptance.residue import traces
from tests.bombs import plugins, trial

NEIGHBOURS, PACE, CALLS = 3, 0.004, 60
HELD = 0.15
"""Seconds that a bomb may go on which only missed pings would end: then its plugin is unloaded, deaf as it is."""
SHORT = ("files", "cpu")
"""Left to the machine: one is like the pipes, the other takes twenty seconds to be judged."""
STOP = "stop-seconds = 0.1\n"
Record = Callable[[str, object], None]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_whatever_one_plugin_does_its_neighbours_are_answered_and_it_is_ended_by_name(
    tmp_path: Path, record_property: Record
) -> None:
    plugins.write_all(tmp_path, NEIGHBOURS)
    with Daemon(tmp_path / "dev") as daemon:
        prepare(daemon)
        before = traces(daemon.directory)
        found = run(daemon, tmp_path)
        for name in (plugins.BOMBER, *(f"{plugins.NEIGHBOUR}-{number:02}" for number in range(NEIGHBOURS))):
            daemon.exoctl("plugin", "remove", "--purge", name)
        after = traces(daemon.directory)
    assert (found["lost"], found["failed"], found["daemon"]) == ([], [], "same")
    assert [row for row in found["bombs"] if row["residue"]] == []
    for row in found["bombs"]:
        assert (row["code"], row["limit"]) in verdicts(row["bomb"]), row
        assert row["sentence"].startswith("cannot ")
    assert found["audit"]["fault unhealthy"] >= len(plugins.BROKEN)
    recorded = sum(count for name, count in found["audit"].items() if name.startswith("fault limit-exceeded"))
    assert recorded == sum(row["code"] == "limit-exceeded" for row in found["bombs"])
    assert [trace for trace in after - before if trace.kind in ("mount", "cgroup", "shm")] == []
    record_property("figures", f"bombs: {plugins.figures(found)}")


def verdicts(bomb: str) -> set[tuple[str, str]]:
    """Without controllers a look is taken once a second, or later: what multiplies has by then gone over its memory."""
    found = {plugins.verdict(bomb)}
    if bomb in plugins.OVER:
        found.add(("limit-exceeded", "memory"))
    return found | {("", "")} if bomb in plugins.DEAF else found


def prepare(daemon: Daemon) -> None:
    """Neighbours and bomber are trusted; nobody waits long for one that does not stop."""
    place = daemon.directory / "etc"
    (place / "trust.d/bombs.toml").write_bytes(plugins.trust())
    (place / "trust.d/bombs.toml").chmod(0o600)
    (place / "exod.toml").write_text(STOP)
    daemon.exoctl("daemon", "reload")


def run(daemon: Daemon, packages: Path) -> dict[str, Any]:
    held = (*plugins.DEAF, *plugins.UNSTOPPABLE)
    bombs = [f"{bomb}:{HELD if bomb in held else trial.DEADLINE}" for bomb in plugins.BOMBS if bomb not in SHORT]
    state = str(daemon.directory / "lib")
    script = [sys.executable, trial.__file__, str(packages), state, str(PACE), str(CALLS), *bombs]
    done = daemon.run(script)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found
