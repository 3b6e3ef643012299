"""The package's life on a running host: installed, upgraded, downgraded, removed, purged."""

from collections.abc import Callable
from pathlib import Path

import pytest

from exosdk.testing.vm import Machine
from tests.vm.exod import SHIPPED, Exod

LEFT = (
    "find / -xdev -iname '*exod*'; getent passwd | grep exod; getent group | grep exod; grep exod /proc/mounts; "
    "find /sys/fs/cgroup -name '*exod*'; systemctl list-units --all --plain --no-legend '*exod*'; "
    "systemctl list-unit-files --plain --no-legend '*exod*'; pgrep --list-name exod; true"
)
"""Whatever carries the name, whether the package's file list knows of it or not."""


@pytest.mark.bare
@pytest.mark.destructive
def test_it_is_installed_started_used_and_purged_without_a_trace(vm: Machine, deb: Path) -> None:
    before = vm.run("find / -xdev | sort").out
    assert vm.run(LEFT).out == ""
    vm.put("/root/exod.deb", deb)
    vm.run("dpkg --install /root/exod.deb; rm /root/exod.deb")
    vm.wait_unit("exod.service")
    exod = Exod(vm)
    exod.load("echo")
    assert exod.call("echo", "Echo", "installed") == "installed"
    vm.run("dpkg --purge exod")
    assert vm.run(LEFT).out == ""
    new = set(vm.run("find / -xdev | sort").out.split("\n")) - set(before.split("\n"))
    assert sorted(path for path in new if not path.startswith(NOISE)) == []
    assert vm.run("systemctl is-system-running").out == "running\n"


NOISE = ("/var/lib/dpkg/", "/var/log/", "/tmp/", "/var/tmp/", "/var/cache/", "/etc/.pwd.lock", "/var/lib/systemd/")
"""What dpkg, the journal and users' tools write about any package."""


@pytest.mark.destructive
def test_an_upgrade_and_a_downgrade_keep_plugins_and_what_they_know(
    vm: Machine, exod: Exod, other_version: Callable[[str], Path]
) -> None:
    exod.load("echo")
    exod.call("echo", "Remember", "word", "kept")
    was = vm.run("dpkg-query --show --showformat='${Version}' exod").out
    for version in ("99.0", was):
        vm.put("/root/exod.deb", other_version(version))
        unchanged = exod.main_pid("exod-keeper.service"), exod.pid("echo")
        program = f"stat --format=%d /proc/{unchanged[0]}/root/run/exod"
        old = vm.run(program).out
        vm.run("dpkg --force-downgrade --install /root/exod.deb")
        assert (
            vm.run("dpkg-query --show --showformat='${Version} ${Status}' exod").out
            == f"{version} install ok installed"
        )
        vm.wait_unit("exod.service")
        exod.await_state("echo", "running")
        assert (exod.main_pid("exod-keeper.service"), exod.pid("echo")) == unchanged
        assert vm.run(program).out != old, "the keeper runs the new program too"
        assert exod.call("echo", "Recall", "word") == "kept"


@pytest.mark.destructive
def test_remove_stops_everything_and_keeps_what_a_purge_takes(vm: Machine, exod: Exod) -> None:
    exod.load("echo")
    vm.run("dpkg --remove exod")
    assert vm.run("pgrep --list-name exod; find /sys/fs/cgroup -path '*exod.slice*'; true").out == ""
    assert vm.run("ls /var/lib/exod/packages/echo /etc/exod/exod.toml").code == 0
    vm.run("dpkg --purge exod")
    assert vm.run(LEFT).out == ""


def test_the_packages_files_are_all_as_they_were_made(vm: Machine, exod: Exod) -> None:
    assert vm.run("dpkg --verify exod").out == ""
    assert vm.run(f"ls {SHIPPED}/*.exopkg").out.count("\n") == 3
