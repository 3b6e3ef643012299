"""Limits where systemd delegates controllers: the kernel holds what it can, each verdict names its limit, and plugins
beside those that go over notice nothing. All of them run beside each other: most verdicts take twenty seconds.
"""

import time
from collections.abc import Mapping
from typing import Any

import pytest

from exoctl.trustfiles import anchor_file
from exosdk.testing.vm import Machine
from tests import builders
from tests.vm.conftest import Figure
from tests.vm.exod import PATHS, Exod, until

CALM = tuple(f"calm-{number}" for number in range(4))
CODE = b"""import os
import threading
import time

from exosdk import Context


class Hello:
    def __init__(self, context: Context) -> None:
        self.context = context

    def use(self, what: str) -> str:
        return getattr(self, what)()

    def calm(self) -> str:
        return "calm"

    def aside(self, work, times: int = 1) -> str:
        for number in range(times):
            threading.Thread(target=work, args=(number,), daemon=True).start()
        return "begun"

    def memory(self) -> str:
        self.kept = bytearray(b"x") * (40 << 20)
        return "had"

    def tasks(self) -> str:
        def work(number):
            while True:
                try:
                    threading.Thread(target=time.sleep, args=(600,), daemon=True).start()
                except RuntimeError:
                    time.sleep(0.1)

        return self.aside(work)

    def storage(self) -> str:
        for number in range(40):
            with open(f"{self.context.state_dir}/{number}", "wb") as file:
                file.write(bytes(65536))
        return "written"

    def cpu(self) -> str:
        def work(number):
            while True:
                pass

        return self.aside(work)

    def io(self) -> str:
        def work(number):
            with open(f"{self.context.state_dir}/{number}", "wb", buffering=0) as file:
                while True:
                    file.seek(0)
                    file.write(bytes(1 << 20))
                    os.fsync(file.fileno())

        return self.aside(work, 2)  # one writes while the disk does what the other asked for

    def files(self) -> str:
        self.kept = []
        try:
            while True:
                self.kept.append(os.dup(0))
        except OSError as error:
            return error.strerror

    def address(self) -> str:
        try:
            return str(len(bytearray(1 << 30)))  # mapped, and never touched
        except MemoryError:
            return "refused"

    def messages(self) -> str:
        for number in range(30):
            self.context.emit("Said", number)
        return "said"

    def call_time(self) -> str:
        time.sleep(3)
        return "late"
"""
SERVICE = """[services.hog]
interface = "org.example.Hog1"
access = "root"
methods.Use = {in = "s", out = "s"}
signals.Said = "u"
"""
LIMITS = {"memory": "24M", "cpu": "10%", "tasks": 6, "storage": "1M", "call-time": "60s"}
FILES = {
    "memory.max": str(24 << 20),
    "memory.swap.max": "0",
    "memory.oom.group": "1",
    "pids.max": "6",
    "cpu.max": "10000 100000",
}
HOGS: Mapping[str, Mapping[str, str | int]] = {
    "memory": {},
    "tasks": {},
    "storage": {},
    "files": {"files": 16},
    "cpu": {},
    "io": {"io": "1M/s", "cpu": "100%", "storage": "16M"},
    "run-time": {"run-time": "40s"},
}
"""The limit that each goes over → what it has otherwise than the rest."""
LOST = "instance-lost"
"""The answer of one that was ended before it had given another."""
LONG = 900.0
"""Seconds that loading and calling all of them may take."""


def package(name: str, limits: Mapping[str, str | int]) -> bytes:
    lines = "\n".join(f"{key} = {value!r}" for key, value in {**LIMITS, **limits}.items())
    manifest = builders.manifest_toml(name=name, more=f"[limits]\n{lines}\n{SERVICE}")
    return builders.signed_package(issued=int(time.time()) - 3_600, manifest=manifest, extra={"code/hello.py": CODE})


def load(vm: Machine, plugins: Mapping[str, Mapping[str, str | int]]) -> None:
    """Trusts and starts them: name → limits."""
    vm.put("/etc/exod/trust.d/tests.toml", anchor_file(builders.anchor_for(scope=tuple(plugins))))
    vm.run("systemctl restart exod.service")
    for name, limits in plugins.items():
        vm.put(f"/root/{name}.exopkg", package(name, limits))
    assert vm.call(load_all, list(plugins), list(PATHS), timeout=LONG) == dict.fromkeys(plugins, "done")


def load_all(names: list[str], paths: list[str]) -> dict[str, str]:
    """From one process: a command each would take the guest longer than what they do."""
    import os
    import sys

    sys.path += paths
    from exoctl.bus import SYSTEM_BUS, Connection
    from exoctl.codec import Variant

    bus, jobs, ended = Connection(SYSTEM_BUS, deadline=200.0), {}, {}
    bus.subscribe("type='signal',sender='org.exoos.Exod1',path_namespace='/org/exoos/Exod1/job'")
    for name in names:
        package = os.open(f"/root/{name}.exopkg", os.O_RDONLY)
        options = {"start": Variant("b", True)}
        manager = ("/org/exoos/Exod1", "org.exoos.Exod1.Manager")
        [jobs[name]] = bus.call(*manager, "Load", "ha{sv}", [0, options], fds=(package,))
        os.close(package)
    for name, job in jobs.items():
        while (state := bus.properties(job, "org.exoos.Exod1.Job")["State"]) in ("queued", "running", "undoing"):
            bus.signal(deadline=1.0)
        ended[name] = state
    return ended


def use_all(uses: dict[str, str], paths: list[str]) -> dict[str, list[object]]:
    """plugin → what to use → what it answered, or the code of its refusal; and the seconds that took."""
    import sys
    import time

    sys.path += paths
    from exoctl.bus import SYSTEM_BUS, Connection
    from exod.errors import Refused

    bus, said = Connection(SYSTEM_BUS, deadline=200.0), {}
    for plugin, what in uses.items():
        began = time.monotonic()
        path = f"/org/exoos/Exod1/service/{plugin.replace('-', '_')}/hog"
        try:
            [answer] = bus.call(path, "org.example.Hog1", "Use", "s", [what])
        except Refused as refused:
            answer = refused.refusal.code
        said[plugin] = [answer, time.monotonic() - began]
    return said


def use(vm: Machine, uses: Mapping[str, str]) -> dict[str, str]:
    return {plugin: answer for plugin, (answer, _) in vm.call(use_all, dict(uses), list(PATHS), timeout=LONG).items()}


def group(vm: Machine, plugin: str, exod: Exod) -> str:
    return "/sys/fs/cgroup" + vm.run(f"cat /proc/{exod.pid(plugin)}/cgroup").out.strip().partition("::")[2]


def fault(exod: Exod, plugin: str) -> tuple[str, str, str | None]:
    """Its code, the limit that it names, and how the kernel ended it, if the kernel did."""
    exod.await_state(plugin, "error")
    told: dict[str, Any] = exod.ctl("plugin", "info", plugin)["fault"]
    return told["code"], told["evidence"]["limit"], told["evidence"].get("cause")


@pytest.mark.destructive
@pytest.mark.timeout(1800)
def test_each_limit_has_its_verdict_and_neighbours_notice_nothing(vm: Machine, exod: Exod, figure: Figure) -> None:
    began = time.monotonic()
    hogs = {f"hog-{limit}": limits for limit, limits in HOGS.items()}
    load(vm, {**dict.fromkeys(CALM, {}), **hogs})
    figure("eleven plugins loaded in a machine", time.monotonic() - began, "s")
    assert "limits" not in exod.ctl("daemon", "status")["degraded"]
    before = {name: exod.pid(name) for name in CALM}
    place = group(vm, CALM[0], exod)
    until(lambda: vm.run(f"cat {place}/cpu.max").out == "10000 100000\n", "the cap after the start")
    assert {name: vm.run(f"cat {place}/{name}").out.strip() for name in FILES} == FILES
    wild = {plugin: plugin.removeprefix("hog-") for plugin in hogs if plugin != "hog-run-time"}
    begun = {"hog-storage": "written", "hog-files": "Too many open files", "hog-memory": LOST}
    for plugin, answer in use(vm, wild).items():
        assert answer in (begun.get(plugin, "begun"), LOST), plugin
    causes = {"memory": "oom"}
    verdicts = {limit: fault(exod, f"hog-{limit}") for limit in HOGS}
    assert verdicts == {limit: ("limit-exceeded", limit, causes.get(limit)) for limit in HOGS}
    assert {name: exod.pid(name) for name in CALM} == before
    assert use(vm, dict.fromkeys(CALM, "calm")) == dict.fromkeys(CALM, "calm")
    figure("seven limits and their verdicts in a machine", time.monotonic() - began, "s")


@pytest.mark.destructive
@pytest.mark.timeout(1800)
def test_what_can_be_held_or_begun_anew_is_and_lives(vm: Machine, exod: Exod) -> None:
    for plugin, policy in (("hog-throttle", "throttle"), ("hog-restart", "restart")):
        vm.put(f"/etc/exod/plugins.d/{plugin}.toml", f'on-limit = "{policy}"\n')
    own = {"hog-call-time": {"call-time": "1s"}, "hog-messages": {"messages": "10/s"}}
    load(vm, {"hog-throttle": {}, "hog-restart": {}, "hog-address": {}, **own})
    place, pid = group(vm, "hog-throttle", exod), exod.pid("hog-throttle")
    uses = {
        "hog-throttle": "cpu",
        "hog-restart": "tasks",
        "hog-address": "address",
        "hog-call-time": "call_time",
        "hog-messages": "messages",
    }
    said = vm.call(use_all, uses, list(PATHS), timeout=LONG)
    answers = {plugin: answer for plugin, (answer, _) in said.items()}
    assert answers.pop("hog-restart") in ("begun", LOST)
    assert answers == {
        "hog-throttle": "begun",
        "hog-address": "refused",
        "hog-call-time": "call-timeout",
        "hog-messages": "said",
    }
    assert said["hog-messages"][1] > 1.5, "thirty messages, of ten a second"

    def held() -> bool:
        return int(vm.run(f"grep nr_throttled {place}/cpu.stat").out.split()[1]) > 250

    def warned() -> bool:
        told = vm.run("journalctl --unit=exod.service --output=cat").out.splitlines()
        return any(line.startswith("limit plugin=hog-throttle ") and "limit=cpu" in line for line in told)

    until(held, "25 seconds of being held back")
    until(warned, "a warning of its cpu")
    assert (exod.state("hog-throttle"), exod.pid("hog-throttle")) == ("running", pid)
    until(lambda: exod.property("hog-restart", "Restarts") == 1, "a restart")
    exod.await_state("hog-restart", "running")
    assert vm.run(f"cat {group(vm, 'hog-restart', exod)}/pids.current").out == "1\n"
    assert {exod.state(f"hog-{name}") for name in ("address", "call-time", "messages")} == {"running"}
