"""/proc/PID as values, of this process."""

import os

from exod.linux import procfs


def test_this_process_is_read() -> None:
    pid = os.getpid()
    assert pid in procfs.pids()
    assert procfs.status(pid)["Pid"] == str(pid)
    assert procfs.command(pid)
    assert procfs.cgroup(pid).startswith("/")


def test_its_namespaces_are_those_it_is_in() -> None:
    found = procfs.namespaces(os.getpid())
    assert set(found) == set(procfs.NAMESPACES)
    assert found == procfs.namespaces("self")
    assert procfs.namespace("self", "net") == os.stat("/proc/self/ns/net").st_ino


def test_memory_is_in_bytes() -> None:
    pages = procfs.memory(os.getpid())
    assert pages["Rss"] >= pages["Private_Dirty"] > 0
    assert pages["Rss"] % 1024 == 0
