"""The finder of residue finds each kind of trace, and nothing where nothing is."""

import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from exod.brokers.doctor import residue
from exod.brokers.doctor.residue import Scope, Trace, look
from exod.sandbox.groups import place
from tests.exod.sandbox.rig import LIMITS, Rig, ending


@pytest.fixture
def scope(tmp_path: Path) -> Scope:
    group = place(directory=tmp_path)
    return Scope(LIMITS.uid_first, LIMITS.uid_last, LIMITS.keeper_uid, group, (tmp_path,))


def kinds(scope: Scope) -> set[str]:
    return {trace.kind for trace in look(scope)}


def test_nothing_is_found_where_nothing_is(scope: Scope) -> None:
    assert look(scope) == frozenset()


async def test_a_running_instance_is_seen_from_every_side(tmp_path: Path) -> None:
    async with ending(Rig(tmp_path)) as rig:
        await rig.attach()
        (await rig.start()).end.close()
        found = look(rig.scope())
    assert {trace.kind for trace in found} == {"process", "namespace", "cgroup", "socket", "descriptor"}
    assert Trace("cgroup", str(rig.group / "instances/i-1")) in found
    assert look(rig.scope()) == frozenset()


def test_what_vanishes_while_it_is_looked_at_is_nobodys(
    scope: Scope, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gone").touch()
    entries = list(os.scandir(tmp_path))
    (tmp_path / "gone").unlink()
    scandir = os.scandir
    monkeypatch.setattr(os, "scandir", lambda path: entries if path == residue.SHM else scandir(path))
    assert kinds(scope) == set()


def test_shared_memory_of_an_instances_uid_is_found(scope: Scope) -> None:
    path = residue.SHM / f"exod-test-{os.getpid()}"
    path.touch()
    try:
        assert kinds(scope) == set()
        os.chown(path, LIMITS.uid_first + 1, 0)
        assert kinds(scope) == {"shm"}
    finally:
        path.unlink()


def test_a_mount_below_our_places_is_found(scope: Scope, monkeypatch: pytest.MonkeyPatch) -> None:
    row = f"99 1 0:1 / {scope.places[0]}/data rw - tmpfs none rw\n100 1 0:1 / /elsewhere rw - tmpfs none rw\n"
    monkeypatch.setattr(Path, "read_text", lambda *_, **__: row)
    assert [trace.what for trace in residue._mounts(scope)] == [f"{scope.places[0]}/data"]


def test_a_kept_namespace_or_pidfd_is_found(scope: Scope) -> None:
    for kept in (os.open("/proc/self/ns/net", os.O_RDONLY), os.pidfd_open(os.getpid())):
        assert kinds(scope) == {"descriptor"}
        os.close(kept)
    assert kinds(scope) == set()


def test_whoever_names_our_places_is_found_where_that_is_asked_for(scope: Scope) -> None:
    with subprocess.Popen(["sh", "-c", "read line", str(scope.places[0])], stdin=subprocess.PIPE) as named:
        found = {trace.what for trace in look(replace(scope, named=True)) if trace.kind == "process"}
        assert look(scope) == frozenset()
        assert named.stdin is not None
        named.stdin.close()
    assert {words.partition(" ")[0] for words in found} == {str(named.pid)}
