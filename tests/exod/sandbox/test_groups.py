"""The tree of groups: who may do what in it, and how it ends."""

import asyncio
import os
import signal
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from exod.errors import Refused
from exod.linux import cgroupfs
from exod.sandbox import groups as groups_module
from exod.sandbox.groups import PRODUCTION, Groups, place, remove, settled
from tests.exod.sandbox.rig import LIMITS


@pytest.fixture
async def groups(tmp_path: Path) -> AsyncIterator[Groups]:
    groups = Groups(place(directory=tmp_path), keeper=LIMITS.keeper_uid)
    groups.make()
    yield groups
    await groups.end(groups.top)


def status_of(pid: int) -> int:
    return os.waitpid(pid, 0)[1]


def owner(path: Path) -> tuple[int, int]:
    return path.stat().st_uid, path.stat().st_mode & 0o777


async def test_the_keeper_may_end_zygotes_and_instances_but_not_itself(groups: Groups) -> None:
    group = groups.add(7)
    assert owner(group / "cgroup.kill")[0] == owner(groups.top / "zygotes/cgroup.kill")[0] == LIMITS.keeper_uid
    assert owner(groups.top / "cgroup.kill")[0] == owner(groups.top / "core/cgroup.kill")[0] == 0


async def test_a_zygote_may_fork_into_a_group_only_while_it_is_open(groups: Groups) -> None:
    group = groups.add(7)
    groups.open_for(7, uid=4711)
    assert owner(group / "cgroup.procs")[0] == 4711
    groups.shut(7)
    assert owner(group / "cgroup.procs")[0] == 0


async def test_the_instances_there_are_are_listed(groups: Groups) -> None:
    groups.add(7)
    groups.add(12)
    assert groups.living() == [7, 12]
    await groups.end(groups.top)
    assert groups.living() == []


async def test_ending_a_group_takes_its_processes_and_may_be_repeated(groups: Groups) -> None:
    group = groups.add(7)
    pid = os.fork()
    if pid == 0:
        signal.pause()
    cgroupfs.write(group, "cgroup.procs", str(pid))
    assert not remove(group)
    await groups.end(group)
    await groups.end(group)
    assert status_of(pid) == signal.SIGKILL


async def test_waiting_has_an_end() -> None:
    with pytest.raises(OSError, match="busy"):
        await settled(lambda: False, seconds=0.0, what="never")
    asyncio.get_running_loop()


def test_production_lives_in_the_keepers_unit(monkeypatch: pytest.MonkeyPatch) -> None:
    assert str(place(directory=None)).endswith(PRODUCTION)


def test_a_host_without_cgroup_v2_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(groups_module, "_mounted", lambda: None)
    with pytest.raises(Refused, match="no cgroup v2"):
        place(directory=None)


def stand_in(uid: int) -> subprocess.Popen[bytes]:
    """A process of that user."""
    return subprocess.Popen(["sleep", "infinity"], user=uid, group=uid, extra_groups=[])


@pytest.mark.parametrize("left", ["all of it", "nothing", "one that is root's"])
async def test_zygotes_get_a_group_of_the_keepers_whatever_a_killed_exod_left(groups: Groups, left: str) -> None:
    zygotes, uid = groups.top / "zygotes", LIMITS.keeper_uid
    if left != "all of it":
        cgroupfs.remove(zygotes)
    if left == "one that is root's":
        zygotes.mkdir()
    keeper = stand_in(uid)
    try:
        await groups.renew_zygotes(keeper=keeper.pid)
    finally:
        keeper.kill()
        keeper.wait()
    assert [owner(zygotes / name)[0] for name in ("cgroup.procs", "cgroup.kill")] == [uid, uid]
