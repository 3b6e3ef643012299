"""exod under a real systemd: start, activation, stop, crash, hang, journal, its units' shape."""

import re
from pathlib import Path

import pytest

from exosdk.testing.vm import Machine
from tests.vm.conftest import Figure
from tests.vm.exod import NAME, PATHS, TOP, Exod, until

ROOT = Path(__file__).resolve().parents[2]
STAMPS = "ExecMainStartTimestampMonotonic,ActiveEnterTimestampMonotonic"
PEER = """
import asyncio, os, socket, sqlite3, sys
sys.path += {paths}
import cryptography.hazmat.primitives.asymmetric.ed25519, cryptography.hazmat.primitives.asymmetric.mldsa
import msgspec, pluggy, systemd.journal
from systemd import daemon
from dbus_next.aio import MessageBus
from dbus_next.constants import BusType

async def main():
    bus = await MessageBus(bus_type=BusType.SYSTEM).connect()
    await bus.request_name("org.example.Peer1")
    daemon.notify("READY=1")
    await asyncio.Event().wait()

asyncio.run(main())
"""
POLICY = '<busconfig><policy user="root"><allow own="org.example.Peer1"/></policy></busconfig>'


def started(vm: Machine, unit: str) -> float:
    """Seconds from exec to READY, by systemd's own stamps."""
    vm.run(["systemctl", "restart", unit])
    said = vm.run(["systemctl", "show", f"--property={STAMPS}", unit]).out
    times = dict(line.split("=") for line in said.splitlines())
    return (int(times["ActiveEnterTimestampMonotonic"]) - int(times["ExecMainStartTimestampMonotonic"])) / 1e6


def test_it_is_ready_and_its_time_stands_beside_a_peers(vm: Machine, exod: Exod, figure: Figure) -> None:
    vm.put("/etc/dbus-1/system.d/peer.conf", POLICY)
    vm.put("/usr/lib/peer.py", PEER.format(paths=list(PATHS)))
    vm.put(
        "/etc/systemd/system/peer.service", "[Service]\nType=notify\nExecStart=/usr/bin/python3 -IS /usr/lib/peer.py\n"
    )
    vm.run("systemctl daemon-reload; systemctl reload dbus")
    pairs = [(started(vm, "exod.service"), started(vm, "peer.service")) for _ in range(3)]
    ours, theirs = (sorted(column)[1] for column in zip(*pairs, strict=True))
    figure("exod, exec to READY", ours, "s")
    figure("a notify daemon with the same packages", theirs, "s")
    figure("exod / peer", ours / theirs, "times")
    for unit in ("exod.service", "exod-keeper.service"):
        rss = vm.run(f"grep VmRSS /proc/{exod.main_pid(unit)}/status").out.split()[1]
        figure(f"{unit}, resident", int(rss) / 1024, "MiB")
    vm.run("systemctl stop peer.service; rm /etc/systemd/system/peer.service; systemctl daemon-reload")
    assert vm.run("systemctl is-system-running").out == "running\n"


def test_a_call_on_the_bus_starts_it(vm: Machine, exod: Exod) -> None:
    vm.run("systemctl stop exod.service")
    # The bus waits 25 s for a start; on a host with other things to do, the call after that one is answered.
    call = ("call", NAME, TOP, f"{NAME}.Manager", "ListLoaded")
    until(lambda: exod.busctl(*call, check=False).out.startswith('{"type":"ao"'), "an answer")
    assert vm.run("systemctl is-active exod.service exod-keeper.service").out == "active\nactive\n"


def test_a_stop_leaves_nothing_of_exod(vm: Machine, exod: Exod) -> None:
    exod.load("echo", "hostpulse")
    vm.run("systemctl stop exod.service")
    until(
        lambda: vm.run("systemctl is-active exod-keeper.service", check=False).out == "inactive\n", "the keeper's end"
    )
    groups = vm.run("systemd-cgls --no-pager --full")
    assert [line for line in groups.out.splitlines() if "exod" in line] == []
    assert vm.run("pgrep --uid exod-keeper,exod-data; pgrep exod; true").out == ""
    assert vm.run("grep exod /proc/mounts; true").out == ""
    vm.run("systemctl start exod.service")
    exod.await_state("hostpulse", "running")
    exod.remove("echo", "hostpulse")


@pytest.mark.parametrize("how", ["systemctl kill --kill-whom=main --signal=KILL", "systemctl restart"])
def test_another_exod_takes_over_and_no_plugin_notices(vm: Machine, exod: Exod, how: str) -> None:
    exod.load("echo")
    exod.call("echo", "Echo", "before")
    keeper, before, plugin = exod.main_pid("exod-keeper.service"), exod.main_pid(), exod.pid("echo")
    vm.run(f"{how} exod.service")
    until(lambda: exod.main_pid() not in (0, before), "another exod")
    vm.wait_unit("exod.service")
    exod.await_state("echo", "running")
    assert (exod.main_pid("exod-keeper.service"), exod.pid("echo")) == (keeper, plugin)
    assert exod.call("echo", "Echo", "after") == "after"
    exod.remove("echo")


def test_a_killed_keeper_leaves_no_orphan_and_everything_returns(vm: Machine, exod: Exod) -> None:
    exod.load("echo")
    pid, keeper = exod.pid("echo"), exod.main_pid("exod-keeper.service")
    vm.run("systemctl kill --kill-whom=main --signal=KILL exod-keeper.service")
    until(lambda: exod.pid("echo") not in (0, pid), "another instance")
    exod.await_state("echo", "running")
    assert exod.main_pid("exod-keeper.service") not in (0, keeper)
    assert vm.run(f"test -e /proc/{pid}", check=False).code == 1
    exod.remove("echo")


def test_a_renewed_keeper_keeps_every_plugin_and_starts_others(vm: Machine, exod: Exod) -> None:
    exod.load("echo")
    before = exod.main_pid("exod-keeper.service"), exod.pid("echo")
    program = f"stat --format=%d /proc/{before[0]}/root/run/exod"
    old = vm.run(program).out
    vm.run("systemctl reload exod-keeper.service")
    assert (exod.main_pid("exod-keeper.service"), exod.pid("echo")) == before
    assert vm.run(program).out != old
    assert exod.call("echo", "Echo", "renewed") == "renewed"
    exod.load("hostpulse")
    exod.remove("echo", "hostpulse")


def test_busctl_finds_on_the_bus_what_the_page_says(vm: Machine, exod: Exod) -> None:
    exod.load("echo")
    page = (ROOT / "docs/dbus.md").read_text()
    for path in (TOP, f"{TOP}/plugin/echo"):
        rows = [line.split()[:2] for line in exod.busctl("introspect", "--no-legend", NAME, path).out.splitlines()]
        members = [name.lstrip(".") for name, kind in rows if kind in ("method", "property", "signal")]
        ours = [name for name, kind in rows if kind == "interface" and name.startswith(NAME)]
        assert ours, path
        standard = {"Get", "GetAll", "Set", "PropertiesChanged", "Introspect", "GetMachineId", "Ping"}
        standard |= {"GetManagedObjects", "InterfacesAdded", "InterfacesRemoved"}
        assert [name for name in members if name not in standard and not is_on(name, page)] == []
    exod.remove("echo")


def is_on(name: str, page: str) -> bool:
    """As a method or signal, or as a row of the table of properties."""
    return f"`{name}" in page or f"| {name} |" in page


@pytest.mark.destructive
def test_an_exod_that_hangs_is_restarted_by_the_watchdog(vm: Machine, exod: Exod) -> None:
    vm.put("/etc/systemd/system/exod.service.d/soon.conf", "[Service]\nWatchdogSec=10s\n")
    vm.run("systemctl daemon-reload; systemctl restart exod.service")
    exod.load("echo")
    before, plugin = exod.main_pid(), exod.pid("echo")
    vm.run("systemctl kill --kill-whom=main --signal=STOP exod.service")
    until(lambda: exod.main_pid() not in (0, before), "another exod")
    vm.wait_unit("exod.service")
    assert vm.run("systemctl show --property=NRestarts --value exod.service").out == "1\n"
    exod.await_state("echo", "running")
    assert exod.pid("echo") == plugin


def test_what_it_says_stands_in_the_journal_with_its_fields(vm: Machine, exod: Exod) -> None:
    vm.run("systemctl restart exod.service; journalctl --sync")
    record = vm.journal("_SYSTEMD_UNIT=exod.service", "SYSLOG_IDENTIFIER=exod")[-1]
    assert (record["MESSAGE"], record["PRIORITY"], record["LOGGER"]) == ("ready", "6", "exod")
    assert record["_SYSTEMD_SLICE"] == "exod.slice"
    exod.load("echo")
    said = vm.journal("EXOD_PLUGIN=echo", "PRIORITY=6")[-1]
    assert said["MESSAGE"].startswith("job ")
    assert said["EXOD_JOB"].isdigit()
    exod.remove("echo")


def test_systemd_finds_nothing_wrong_with_its_units(vm: Machine, exod: Exod, figure: Figure) -> None:
    units = ("exod.service", "exod-keeper.service", "exod.target", "exod.slice")
    verdict = vm.run(["systemd-analyze", "verify", "--man=no", *units])
    assert verdict.err == ""
    for unit in units[:2]:
        said = vm.run(["systemd-analyze", "security", "--no-pager", unit]).out
        found = re.search(r"exposure level for \S+: ([\d.]+)", said)
        assert found is not None
        figure(f"{unit}, exposure by systemd-analyze security", float(found[1]), "of 10")


@pytest.mark.destructive
def test_a_reload_is_done_and_leaves_it_running(vm: Machine, exod: Exod) -> None:
    before = exod.main_pid()
    vm.run("systemctl reload exod.service")
    until(lambda: "reloaded" in [row["MESSAGE"] for row in vm.journal("-t", "exod")], "the end of the reload")
    assert exod.main_pid() == before
