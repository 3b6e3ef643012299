"""Every bomb against fifty neighbours, where systemd delegates controllers: what the kernel holds it holds, whoever
throws one is ended by name, and the neighbours' calls are answered all the while.
"""

import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from exosdk.testing.vm import Machine
from exosdk.testing.vm.fixtures import evidence
from tests.bombs import plugins, trial
from tests.vm.conftest import Figure
from tests.vm.exod import PATHS, Exod

NEIGHBOURS, PACE, CALLS = 50, 0.05, 200
TRACES = "cat /proc/mounts /proc/sysvipc/*; ls /dev/shm"
FOUND = "bombs.json"


@pytest.mark.destructive
@pytest.mark.timeout(1800)
def test_fifty_neighbours_are_answered_whatever_a_bomber_does_and_it_is_ended_by_name(
    vm: Machine, exod: Exod, tmp_path: Path, request: pytest.FixtureRequest, figure: Figure
) -> None:
    prepare(vm, tmp_path)
    assert "limits" not in exod.ctl("daemon", "status")["degraded"]
    bombs = [f"{bomb}:{1 if bomb in plugins.UNSTOPPABLE else trial.DEADLINE}" for bomb in plugins.BOMBS]
    what = ["/root/trial.py", "/root/packages", "/var/lib/exod", str(PACE), str(CALLS), *bombs]
    before = vm.run(TRACES).out
    environment = {"PYTHONPATH": ":".join(PATHS)}
    found: dict[str, Any] = json.loads(vm.run(["python3", *what], env=environment, timeout=1500).out)
    target = evidence(request.config, request.config.option.vm_suite, FOUND)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(found) + "\n")
    assert wrong(found) == []
    assert (found["lost"], found["failed"], found["daemon"]) == ([], [], "same")
    assert [row for row in found["bombs"] if row["residue"]] == []
    exod.remove(plugins.BOMBER)
    assert vm.run(TRACES).out == before
    for name, row in (("quiet", found["quiet"]), *((row["bomb"], row) for row in found["bombs"])):
        figure(f"bombs: p99 of {row['calls']} calls, {name}", row["p99"], "ms")


def prepare(vm: Machine, directory: Path) -> None:
    plugins.write_all(directory, NEIGHBOURS)
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        archive.add(directory, "packages")
    vm.run("tar --extract --directory=/root", input=packed.getvalue())
    vm.put("/root/trial.py", Path(trial.__file__))
    vm.put("/etc/exod/trust.d/bombs.toml", plugins.trust())
    vm.put("/etc/exod/exod.toml", "stop-seconds = 2.0\n")
    vm.run("systemctl restart exod.service")


def wrong(found: dict[str, Any]) -> list[dict[str, Any]]:
    """Whoever was not ended with the verdict that its bomb has."""
    return [row for row in found["bombs"] if (row["code"], row["limit"]) != plugins.verdict(row["bomb"])]
