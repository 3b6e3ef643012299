"""cgroup v2 as files, on the real one."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from exod.linux import cgroupfs, procfs


@pytest.fixture
def group() -> Iterator[Path]:
    top = next(where for _, where, kind in procfs.mounts() if kind == "cgroup2")
    path = Path(top) / f"exod-cgroupfs-{os.getpid()}"
    path.mkdir()
    yield path
    for found in (*cgroupfs.below(path), path):
        cgroupfs.remove(found)


def member(group: Path) -> int:
    pid = os.fork()
    if pid == 0:
        signal.pause()
    cgroupfs.write(group, "cgroup.procs", str(pid))
    return pid


def test_a_group_is_populated_frozen_and_killed(group: Path) -> None:
    assert cgroupfs.events(group)["populated"] == 0
    pid = member(group)
    assert cgroupfs.events(group)["populated"] == 1
    assert (group / "cgroup.procs").read_text().split() == [str(pid)]
    cgroupfs.freeze(group, frozen=True)
    cgroupfs.freeze(group, frozen=False)
    cgroupfs.kill(group)
    assert os.waitpid(pid, 0)[1] == signal.SIGKILL


def test_a_group_is_known_by_its_inode(group: Path) -> None:
    assert cgroupfs.identity(group) == group.stat().st_ino


def test_groups_below_are_listed_deepest_first(group: Path) -> None:
    (group / "a/b").mkdir(parents=True)
    (group / "c").mkdir()
    found = list(cgroupfs.below(group))
    assert set(found) == {group / "a/b", group / "a", group / "c"}
    assert found.index(group / "a/b") < found.index(group / "a")


def test_a_file_that_is_not_there_is_missing(group: Path) -> None:
    with pytest.raises(FileNotFoundError):
        cgroupfs.write(group, "no.such", "1")
