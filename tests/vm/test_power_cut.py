"""Power cut in the middle: after the next boot a job was done wholly or not at all, and can be done again."""

from pathlib import Path
from typing import Any

import pytest

from exosdk.testing.vm import Machine
from tests.vm.exod import SHIPPED, Exod, until

STATE = "/var/lib/exod"
WATCH = """
import glob, sys
print("watching", flush=True)
while not glob.glob(sys.argv[1]):
    pass
print("there", flush=True)
"""
POINTS = {
    "the package is in the store": f"{STATE}/packages/echo/*.exopkg",
    "the instance has its group": "/sys/fs/cgroup/exod.slice/exod-keeper.service/instances/i-*",
}
"""What is waited for before the power goes, in the order in which a load makes it."""


def sound(state: str) -> dict[str, Any]:
    """Of a stopped exod's state: what is wrong with its registry, what it knows, what the store holds."""
    import glob
    import sqlite3

    with sqlite3.connect(f"file:{state}/registry.sqlite?mode=ro", uri=True) as registry:
        verdict = registry.execute("PRAGMA integrity_check").fetchall()
    return {"registry": verdict, "store": sorted(glob.glob(f"{state}/packages/*/*"))}


def judge(vm: Machine, exod: Exod) -> None:
    """Whole, consistent, and the same job succeeds now."""
    vm.wait_unit("exod.service")
    until(lambda: "deferred" in exod.ctl("daemon", "status")["phases"], "the end of what it restores")
    state = exod.state("echo")
    assert state in (None, "unloaded", "running", "loading", "loaded"), state
    if state is None:
        assert vm.run(f"ls {STATE}/packages/echo {STATE}/data/echo 2>/dev/null; true").out == ""
        exod.load("echo")
    elif state == "unloaded":
        exod.ctl("plugin", "start", "echo")
    exod.await_state("echo", "running")
    assert exod.call("echo", "Echo", "whole") == "whole"
    vm.run("systemctl stop exod.service")
    found = vm.call(sound, STATE)
    assert found == {"registry": [["ok"]], "store": [f"{STATE}/packages/echo/1.0.0.exopkg"]}


@pytest.mark.destructive
@pytest.mark.parametrize("point", POINTS)
def test_a_load_is_done_wholly_or_not_at_all(vm: Machine, exod: Exod, point: str) -> None:
    watching = vm.start(["/usr/bin/python3", "-c", WATCH, POINTS[point]])
    watching.await_output("watching")
    vm.start(["exoctl", "plugin", "load", f"{SHIPPED}/echo_1.0.0.exopkg"])
    watching.await_output("there")
    vm.power_cut()
    judge(vm, exod)


@pytest.mark.destructive
def test_what_was_acknowledged_is_there(vm: Machine, exod: Exod) -> None:
    exod.load("echo", "hostpulse")
    exod.ctl("plugin", "config", "echo", "prefix=still ")
    exod.ctl("plugin", "remove", "hostpulse")
    vm.power_cut()
    vm.wait_unit("exod.service")
    exod.await_state("echo", "running")
    assert exod.call("echo", "Echo", "here") == "still here"
    assert exod.state("hostpulse") is None


@pytest.mark.bare
@pytest.mark.destructive
def test_an_installation_of_the_package_can_be_done_again(vm: Machine, deb: Path) -> None:
    vm.put("/root/exod.deb", deb)
    watching = vm.start(["/usr/bin/python3", "-c", WATCH, "/usr/lib/exod/vendor/cryptography*"])
    watching.await_output("watching")
    vm.start("sync; exec dpkg --install /root/exod.deb")
    watching.await_output("there")
    vm.power_cut()
    vm.run("dpkg --install /root/exod.deb; dpkg --configure --pending")
    assert vm.run("dpkg --audit").out == ""
    exod = Exod(vm)
    vm.wait_unit("exod.service")
    exod.load("echo")
    judge(vm, exod)
