"""What every other test in a virtual machine relies on, on a machine with nothing of exod in it."""

import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from exosdk.testing.vm import CommandFailed, Machine
from exosdk.testing.vm.house import House

pytestmark = pytest.mark.bare


def test_a_command_gives_back_what_it_said_and_how_it_ended(vm: Machine) -> None:
    done = vm.run("echo out; echo err >&2; exit 3", check=False)
    assert (done.code, done.out, done.err) == (3, "out\n", "err\n")
    with pytest.raises(CommandFailed, match="exit 1"):
        vm.run("false")


def test_output_is_heard_while_the_command_still_runs(vm: Machine) -> None:
    running = vm.start("echo begun; read line; echo $line")
    with pytest.raises(RuntimeError, match="without saying"):
        running.await_output("never said")
    sleeping = vm.start("echo waiting; exec sleep infinity")
    sleeping.await_output("waiting")
    sleeping.kill()
    assert sleeping.wait(check=False).code == -signal.SIGKILL


def test_a_command_runs_as_the_user_it_is_told(vm: Machine) -> None:
    vm.run("useradd --create-home carol")
    assert vm.run("id -un; echo $HOME; id -G", user="carol").out.split()[:2] == ["carol", "/home/carol"]
    with pytest.raises(RuntimeError, match="nobody-of-that-name"):
        vm.run("true", user="nobody-of-that-name")


def test_files_travel_both_ways_unchanged(vm: Machine, tmp_path: Path) -> None:
    data = os.urandom(300_000)
    (tmp_path / "file").write_bytes(data)
    vm.put("/var/tmp/a/b", tmp_path / "file", mode=0o640)
    assert vm.get("/var/tmp/a/b") == data
    assert vm.run("stat -c %a /var/tmp/a/b").out == "640\n"


def divide(number: int, *, by: int) -> dict[str, float]:
    import platform

    assert by != 0, "by nothing"
    return {platform.node(): number / by}


def test_a_function_runs_inside_and_its_failure_is_ours(vm: Machine) -> None:
    assert vm.call(divide, 6, by=3) == {"guest": 2.0}
    with pytest.raises(AssertionError, match="by nothing"):
        vm.call(divide, 6, by=0)


def test_a_unit_is_waited_for_and_a_failed_one_is_told(vm: Machine) -> None:
    vm.put(
        "/run/systemd/system/fine.service",
        "[Service]\nType=notify\nNotifyAccess=all\nExecStart=sh -c 'systemd-notify --ready; exec sleep infinity'\n",
    )
    vm.put("/run/systemd/system/broken.service", "[Service]\nType=oneshot\nExecStart=/bin/false\n")
    vm.run("systemctl daemon-reload; systemctl start --no-block fine.service broken.service")
    vm.wait_unit("fine.service")
    vm.wait_unit("broken.service", "failed")
    with pytest.raises(CommandFailed, match=r"broken\.service"):
        vm.wait_unit("broken.service")
    vm.run("systemctl stop fine.service; systemctl reset-failed")


def test_the_guest_knows_the_time_and_has_systemd_a_bus_polkit_and_a_tpm(vm: Machine) -> None:
    assert abs(int(vm.run("date +%s").out) - time.time()) < 60
    assert vm.run("systemctl is-system-running").out == "running\n"
    assert vm.run("busctl call org.freedesktop.PolicyKit1 / org.freedesktop.DBus.Peer Ping").code == 0
    assert vm.run("ls -d /dev/tpmrm0 /sys/fs/cgroup/cgroup.controllers").code == 0


def test_the_journal_comes_as_records(vm: Machine) -> None:
    vm.run("echo hello | systemd-cat --identifier=tester; journalctl --sync")
    assert [record["MESSAGE"] for record in vm.journal("-t", "tester")] == ["hello"]


@pytest.mark.destructive
def test_a_power_cut_takes_what_was_not_flushed_and_nothing_else(vm: Machine) -> None:
    vm.run("echo kept >/root/flushed; sync; echo lost >/root/unflushed")
    vm.power_cut()
    assert vm.run("cat /root/flushed").out == "kept\n"
    assert vm.run("cat /root/unflushed", check=False).out == ""
    before = vm.run("cat /proc/sys/kernel/random/boot_id").out
    vm.reboot()
    assert vm.run("cat /root/flushed; cat /proc/sys/kernel/random/boot_id").out.split("\n")[1] not in before


def test_two_machines_of_one_template_share_neither_disk_nor_luck(vm: Machine, vm_house: House) -> None:
    vm.run("touch /root/mine; sync")
    other = vm_house.restored(bare=True)
    try:
        assert other.run("ls /root").out == ""
        random = "head -c 16 /dev/urandom | od -An -tx1"
        assert vm.run(random).out != other.run(random).out
    finally:
        other.close()


KILLED = """
import sys
from exosdk.testing.vm.house import House
machine = House(sys.argv[1], packages=sys.argv[2:]).restored(bare=True)
print(machine.qemu.pid, flush=True)
machine.run("sleep infinity")
"""


def test_a_killed_test_run_leaves_no_machine(vm_house: House) -> None:
    run = [sys.executable, "-c", KILLED, vm_house.suite, *vm_house.packages]
    environment = os.environ | {"PYTHONPATH": os.getcwd()}
    with subprocess.Popen(run, stdout=subprocess.PIPE, text=True, env=environment) as child:
        assert child.stdout is not None
        pidfd = os.pidfd_open(int(child.stdout.readline()))
        child.kill()
    try:
        assert select.select([pidfd], [], [], 60)[0]  # the machine is no child of ours: its pidfd tells its end
    finally:
        os.close(pidfd)
