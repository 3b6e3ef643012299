"""What goes wrong on hosts: a full disk, a read-only one, a clock that jumps, no network. Nothing is lost by it."""

import pytest

from exosdk.testing.vm import CommandFailed, Machine
from tests.vm.exod import Exod, refused, until

FILL = "cat /dev/zero >/var/lib/exod/filler 2>/dev/null; sync"


@pytest.fixture
def small(vm: Machine, exod: Exod) -> None:
    """State on a file system of its own, of 24 MiB, so that filling it fills nothing else."""
    vm.run("systemctl stop exod.service; fallocate --length 24M /root/state; mkfs.ext4 -q /root/state")
    vm.run("cp -a /var/lib/exod /root/kept; mount -o loop /root/state /var/lib/exod; chmod 700 /var/lib/exod")
    vm.run("cp -a /root/kept/. /var/lib/exod/; systemctl start exod.service")


@pytest.mark.destructive
@pytest.mark.usefixtures("small")
def test_on_a_full_disk_what_runs_goes_on_and_a_load_is_refused_whole(vm: Machine, exod: Exod) -> None:
    exod.load("echo")
    vm.run(FILL)
    with pytest.raises(CommandFailed) as caught:
        exod.load("hostpulse")
    assert refused(caught.value)["sentence"].startswith("cannot ")
    assert exod.call("echo", "Echo", "still here") == "still here"
    assert exod.state("hostpulse") in (None, "unloaded")
    vm.run("rm /var/lib/exod/filler")
    exod.load("hostpulse")
    assert exod.state("hostpulse") == "running"
    assert vm.run("systemctl is-active exod.service").out == "active\n"


@pytest.mark.destructive
def test_on_a_read_only_disk_what_runs_goes_on_and_writes_are_refused(vm: Machine, exod: Exod) -> None:
    exod.load("echo")
    before = exod.main_pid(), exod.pid("echo")
    read_only(vm)
    with pytest.raises(CommandFailed) as caught:
        exod.load("hostpulse")
    assert refused(caught.value)["sentence"].startswith("cannot ")
    assert exod.call("echo", "Echo", "still here") == "still here"
    assert (exod.main_pid(), exod.pid("echo")) == before
    vm.run("mount -o remount,rw /")
    exod.load("hostpulse")
    assert exod.state("hostpulse") == "running"


@pytest.mark.destructive
def test_one_that_cannot_start_on_a_read_only_disk_leaves_what_runs_to_the_next(vm: Machine, exod: Exod) -> None:
    exod.load("echo")
    plugin = exod.pid("echo")
    read_only(vm)
    vm.run("systemctl kill --signal=KILL exod.service")
    until(lambda: "cannot run exod" in vm.run("journalctl --boot --unit=exod.service").out, "a refusal to start")
    assert vm.run(["test", "-d", f"/proc/{plugin}"], check=False).code == 0
    vm.run("mount -o remount,rw /")
    exod.await_state("echo", "running")
    assert exod.pid("echo") == plugin


def read_only(vm: Machine) -> None:
    """What the kernel does to a file system that it no longer trusts."""
    vm.run("echo u >/proc/sysrq-trigger")
    until(lambda: vm.run("touch /root/file", check=False).code != 0, "a read-only disk")


@pytest.mark.destructive
def test_a_clock_that_jumps_ends_nothing(vm: Machine, exod: Exod) -> None:
    exod.load("echo")
    before = exod.main_pid(), exod.pid("echo")
    for jump in ("+3 days", "-5 days"):
        vm.run(["date", "--set", jump])
        assert exod.call("echo", "Echo", jump.strip("-+")) == jump.strip("-+")
        vm.run("systemctl is-active exod.service exod-keeper.service")
    assert (exod.main_pid(), exod.pid("echo")) == before


@pytest.mark.destructive
def test_without_any_network_plugins_load_and_answer(vm: Machine, exod: Exod) -> None:
    vm.run("ip link set lo down")
    vm.run("systemctl restart exod.service")
    exod.load("echo", "hostpulse")
    assert exod.call("echo", "Echo", "alone") == "alone"


@pytest.mark.destructive
def test_without_polkit_and_with_a_bus_that_restarts_it_comes_back(vm: Machine, exod: Exod) -> None:
    exod.load("echo")
    vm.run("systemctl restart dbus.service")
    until(lambda: exod.state("echo") == "running", "echo on the new bus")
