"""Residue on purpose: found, told from what a keeper keeps, and taken away by the repair alone."""

import contextlib
import os
import signal
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from exod.brokers.doctor import leftovers, residue
from exod.brokers.doctor.host import Host
from exod.brokers.network.own import link
from exod.brokers.network.own.steps import Wires
from exod.settings import Settings
from tests.exod.brokers.doctor.broken import found, host, until
from tests.exod.brokers.network.own import apart
from tests.exod.sandbox.rig import confinement

UID = 1_900_000_007
OURS = Settings(uid_first=1_900_000_000, uid_last=1_900_000_100, keeper_uid=1_899_999_998, data_uid=1_899_999_999)
RANGE = "10.251.0.0/16"


@pytest.fixture
def at(tmp_path: Path) -> Host:
    return replace(host(tmp_path), settings=replace(OURS, network_range=RANGE))


@contextlib.contextmanager
def process(uid: int, group: Path | None = None) -> Iterator[int]:
    """One that waits; whatever happened to it, it is reaped."""
    ready, told = os.pipe()
    pid = os.fork()
    if pid == 0:
        if group is not None:
            (group / "cgroup.procs").write_text("0")
        os.setresuid(uid, uid, uid)
        os.write(told, b"x")
        while True:
            signal.pause()
    os.read(ready, 1)
    try:
        yield pid
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(ready)
        os.close(told)


def repaired(at: Host) -> list[str]:
    actions = leftovers.repair(at)
    for action in actions:
        action.do()
    return [action.description for action in actions]


def test_nothing_is_found_where_nothing_is(at: Host) -> None:
    assert found("residue", at) == ("ok", "nothing is there")
    assert repaired(at) == []


def test_a_process_of_our_uids_that_nobody_keeps_is_killed(at: Host) -> None:
    with process(UID) as pid:
        verdict, words = found("residue", at)
        assert (verdict, f"process {pid} " in words) == ("wrong", True)
        assert [words.split()[:2] for words in repaired(at)] == [["kill", str(pid)]]
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    until(lambda: found("residue", at)[0] == "ok")


def test_shared_memory_and_dead_sockets_are_removed(at: Host) -> None:
    memory = residue.SHM / f"exod-test-{os.getpid()}"
    memory.touch()
    os.chown(memory, UID, 0)
    with socket.socket(socket.AF_UNIX) as end:
        end.bind(str(at.layout.run / "keeper.sock"))
    assert found("residue", at)[0] == "wrong"
    assert {words.partition(" ")[0] for words in repaired(at)} == {"remove"}
    assert found("residue", at)[0] == "ok"


def test_what_a_plugin_put_into_its_data_is_nothing_that_was_left(at: Host) -> None:
    data = at.layout.state / "data/p"
    data.mkdir(parents=True)
    with socket.socket(socket.AF_UNIX) as end:
        end.bind(str(data / "own.sock"))
    (data / "link.sock").symlink_to("own.sock")
    assert found("residue", at)[0] == "ok"
    assert repaired(at) == []


def test_a_group_without_a_keeper_is_killed_and_removed(at: Host) -> None:
    assert at.group is not None
    inner = at.group / "instances/i-7"
    inner.mkdir(parents=True)
    assert found("residue", at)[0] == "warning"
    with process(UID, inner) as pid:
        assert found("residue", at)[0] == "wrong"
        assert f"kill everything in {at.group} and remove it" in repaired(at)
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    assert not at.group.exists()


def test_what_a_living_keeper_keeps_is_left_alone(at: Host) -> None:
    assert at.group is not None
    for name in ("core", "instances"):
        (at.group / name).mkdir(parents=True)
    try:
        with process(OURS.keeper_uid, at.group / "core"), process(UID, at.group / "instances"):
            assert found("residue", at)[0] == "ok"
            assert repaired(at) == []
            with process(UID) as stray:
                assert f"process {stray} " in found("residue", at)[1]
                assert len(repaired(at)) == 1
    finally:
        for name in ("core", "instances", ""):
            (at.group / name).rmdir()


def test_a_disk_that_the_administrator_mounted_is_none_of_ours(at: Host) -> None:
    everywhere = leftovers.scope(at)
    mounts = frozenset(residue.Trace("mount", str(place)) for place in (at.layout.state, at.layout.state / "data"))
    assert [one.what for one in leftovers._without_administrators(mounts, everywhere)] == [f"{at.layout.state}/data"]


async def test_networks_of_instances_that_are_gone_are_found_and_taken_away(at: Host) -> None:
    with apart.place() as network:
        await Wires(at.chosen).connect(1, confinement(permissions={"network": ("listen:tcp:8080",)}), network.space())
        assert found("residue", at) == ("wrong", f"link exo0afb0000, rules {RANGE}")
        assert repaired(at) == ["remove exo0afb0000", f"remove {RANGE}"]
        assert found("residue", at) == ("ok", "nothing is there")
        assert [name for name, _ in link.links()] == ["lo"]
