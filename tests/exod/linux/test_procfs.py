"""/proc/PID as values, of this process."""

import os

import pytest

from exod.linux import procfs


def test_this_process_is_read() -> None:
    pid = os.getpid()
    assert procfs.status(pid)["Pid"] == str(pid)
    assert procfs.cgroup(pid).startswith("/")


def test_its_namespaces_are_those_it_is_in() -> None:
    found = procfs.namespaces(os.getpid())
    assert set(found) == set(procfs.NAMESPACES)
    assert found == procfs.namespaces("self")
    assert procfs.namespace("self", "net") == os.stat("/proc/self/ns/net").st_ino


def test_a_mount_is_known_by_its_number_place_and_type(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ("/proc", "proc") in [(where, kind) for _, where, kind in procfs.mounts()]
    table = (
        "21 1 0:20 / /proc rw,nosuid shared:12 - proc proc rw\n"
        "22 21 0:21 / /mnt/a\fb\u2028c rw shared:13 master:1 - fuse.sshfs host:/ rw\n"
    )
    monkeypatch.setattr(procfs, "_read", lambda pid, name: table)
    assert procfs.mounts() == [("21", "/proc", "proc"), ("22", "/mnt/a\fb\u2028c", "fuse")]
