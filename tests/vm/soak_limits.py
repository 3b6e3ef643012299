"""Limits where systemd delegates controllers: the kernel holds what it can, each verdict names its limit, and twenty
plugins beside the one that goes over notice nothing.
"""

import contextlib
import time
from collections.abc import Iterator
from typing import Any

import pytest

from exoctl.trustfiles import anchor_file
from exosdk.testing.vm import CommandFailed, Machine
from tests import builders
from tests.vm.exod import PATHS, Exod, until

NEIGHBOURS = tuple(f"calm-{number}" for number in range(20))
CODE = b"""import os
import threading
import time

from exosdk import Context


class Hello:
    def __init__(self, context: Context) -> None:
        self.context = context

    def use(self, what: str) -> None:
        threading.Thread(target=getattr(self, what), daemon=True).start()

    def memory(self) -> None:
        self.kept = bytearray(b"x") * (40 << 20)

    def tasks(self) -> None:
        while True:
            try:
                threading.Thread(target=time.sleep, args=(600,), daemon=True).start()
            except RuntimeError:
                time.sleep(0.1)

    def storage(self) -> None:
        for number in range(40):
            with open(f"{self.context.state_dir}/{number}", "wb") as file:
                file.write(bytes(65536))

    def cpu(self) -> None:
        while True:
            pass
"""
LIMITS = """[limits]
memory = "24M"
cpu = "10%"
tasks = 6
storage = "1M"
{more}
[services.hog]
interface = "org.example.Hog1"
access = "root"
methods.Use = {{in = "s"}}
"""
FILES = {"memory.max": str(24 << 20), "memory.oom.group": "1", "pids.max": "6", "cpu.max": "10000 100000"}


def package(name: str, more: str = "") -> bytes:
    manifest = builders.manifest_toml(name=name, more=LIMITS.format(more=more))
    return builders.signed_package(issued=int(time.time()) - 3_600, manifest=manifest, extra={"code/hello.py": CODE})


def load_all(names: list[str], paths: list[str]) -> None:
    """From one process: twenty commands would take the guest longer than what they do."""
    import os
    import sys

    sys.path += paths
    from exoctl.bus import SYSTEM_BUS, Connection
    from exoctl.codec import Variant

    bus = Connection(SYSTEM_BUS, deadline=200.0)
    for name in names:
        package = os.open(f"/root/{name}.exopkg", os.O_RDONLY)
        options = {"start": Variant("b", True)}
        manager = ("/org/exoos/Exod1", "org.exoos.Exod1.Manager")
        [job] = bus.call(*manager, "Load", "ha{sv}", [0, options], fds=(package,))
        os.close(package)
        while bus.properties(job, "org.exoos.Exod1.Job")["State"] in ("queued", "running"):
            pass


def trust(vm: Machine, *names: str) -> None:
    vm.put("/etc/exod/trust.d/tests.toml", anchor_file(builders.anchor_for(scope=names)))
    vm.run("systemctl restart exod.service")


@pytest.fixture
def calm(vm: Machine, exod: Exod) -> Iterator[dict[str, int]]:
    """Twenty plugins that do nothing, by their pids; they are the same afterwards."""
    trust(vm, "calm-*", "hog")
    for name in NEIGHBOURS:
        vm.put(f"/root/{name}.exopkg", package(name))
    vm.call(load_all, list(NEIGHBOURS), list(PATHS))
    for name in NEIGHBOURS:
        exod.await_state(name, "running")
    before = {name: exod.pid(name) for name in NEIGHBOURS}
    yield before
    assert {name: exod.pid(name) for name in NEIGHBOURS} == before
    assert exod.state(NEIGHBOURS[-1]) == "running"


def hog(vm: Machine, exod: Exod, use: str, *, more: str = "") -> None:
    vm.put("/root/hog.exopkg", package("hog", more))
    exod.ctl("plugin", "load", "/root/hog.exopkg")
    if use:
        with contextlib.suppress(CommandFailed):  # it may be gone before it has answered
            exod.call("hog", "Use", use)


def group(vm: Machine, plugin: str, exod: Exod) -> str:
    return "/sys/fs/cgroup" + vm.run(f"cat /proc/{exod.pid(plugin)}/cgroup").out.strip().partition("::")[2]


@pytest.mark.destructive
@pytest.mark.timeout(1800)
def test_each_limit_has_its_verdict_and_twenty_neighbours_notice_nothing(
    vm: Machine, exod: Exod, calm: dict[str, int]
) -> None:
    assert "limits" not in exod.ctl("daemon", "status")["degraded"]
    hog(vm, exod, "")
    place = group(vm, "hog", exod)
    until(lambda: vm.run(f"cat {place}/cpu.max").out == "10000 100000\n", "the cap after the start")
    assert {name: vm.run(f"cat {place}/{name}").out.strip() for name in FILES} == FILES
    exod.remove("hog")
    for use, more, cause in (
        ("memory", "", "oom"),
        ("tasks", "", None),
        ("storage", "", None),
        ("cpu", "", None),
        ("", 'run-time = "30s"\n', None),
    ):
        hog(vm, exod, use, more=more)
        exod.await_state("hog", "error")
        fault: dict[str, Any] = exod.ctl("plugin", "info", "hog")["fault"]
        assert (fault["code"], fault["evidence"]["limit"]) == ("limit-exceeded", use or "run-time"), fault
        assert fault["evidence"].get("cause") == cause
        exod.remove("hog")
    assert len(exod.ctl("top", "--once")["instances"]) == len(calm)


@pytest.mark.destructive
@pytest.mark.timeout(900)
def test_one_that_is_to_be_slowed_down_is_held_by_the_kernel_and_lives(vm: Machine, exod: Exod) -> None:
    vm.put("/etc/exod/plugins.d/hog.toml", 'on-limit = "throttle"\n')
    trust(vm, "hog")
    hog(vm, exod, "cpu")
    place, pid = group(vm, "hog", exod), exod.pid("hog")
    until(lambda: "limit=cpu" in vm.run("journalctl --unit=exod.service --output=cat").out, "the warning")

    def held() -> bool:
        return int(vm.run(f"grep nr_throttled {place}/cpu.stat").out.split()[1]) > 300

    until(held, "thirty seconds of being held back")
    assert (exod.state("hog"), exod.pid("hog")) == ("running", pid)


@pytest.mark.destructive
@pytest.mark.timeout(900)
def test_one_that_is_to_be_started_again_begins_anew(vm: Machine, exod: Exod) -> None:
    vm.put("/etc/exod/plugins.d/hog.toml", 'on-limit = "restart"\n')
    trust(vm, "hog")
    hog(vm, exod, "tasks")
    until(lambda: exod.property("hog", "Restarts") == 1, "a restart")
    exod.await_state("hog", "running")
    place = group(vm, "hog", exod)
    assert int(vm.run(f"cat {place}/pids.current").out) == 1
