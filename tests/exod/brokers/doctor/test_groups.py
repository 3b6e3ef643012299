"""cgroups: made and killed for real, in a group that the test makes; what is missing is taken away by a mount."""

import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from exod.brokers.doctor import groups
from tests.exod.brokers.doctor.broken import apart, cover, found, host, level


@pytest.fixture
def group(tmp_path: Path) -> Iterator[Path]:
    at = host(tmp_path)
    assert at.group is not None
    at.group.mkdir()
    yield at.group
    at.group.rmdir()


def test_a_group_is_made_frozen_killed_and_removed(tmp_path: Path) -> None:
    at = host(tmp_path)
    assert at.group is not None
    before = set(at.group.parent.glob("exod-doctor-*"))
    assert level("cgroup-v2", at) == "ok"
    assert set(at.group.parent.glob("exod-doctor-*")) <= before


def test_a_host_without_version_two_is_wrong(tmp_path: Path) -> None:
    at = replace(host(tmp_path), group=None)
    assert [level(id_, at) for id_ in ("cgroup-v2", "cgroup-controllers")] == ["wrong", "wrong"]


def test_a_group_that_is_not_killed_is_found_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at = host(tmp_path)

    def spare(group: Path) -> None:
        os.kill(int((group / "cgroup.procs").read_text()), signal.SIGTERM)

    monkeypatch.setattr(groups.cgroupfs, "kill", spare)
    assert found("cgroup-v2", at) == ("wrong", "a group that was killed lived on")


def test_controllers_that_are_not_given_are_named(tmp_path: Path) -> None:
    at = host(tmp_path)
    assert at.group is not None
    file = str(at.group.parent / "cgroup.controllers")

    def look() -> list[tuple[str, str]]:
        given = cover(file, "cpu memory")
        broken = found("cgroup-controllers", at)
        given.write_text("cpuset cpu io memory pids")
        return [broken, found("cgroup-controllers", at)]

    broken, healed = apart(look)
    assert broken == ["warning", f"{at.group.parent} is not given: pids, io"]
    assert healed[0] == "ok"


def test_a_group_that_systemd_did_not_delegate_is_wrong_until_it_does(group: Path, tmp_path: Path) -> None:
    at = host(tmp_path, production=True)
    assert level("delegation", at) == "wrong"
    os.setxattr(group, "trusted.delegate", b"1")
    assert level("delegation", at) == "ok"
    os.setxattr(group, "trusted.delegate", b"0")
    assert level("delegation", at) == "wrong"


def test_without_a_keeper_there_is_nothing_to_delegate(tmp_path: Path) -> None:
    assert level("delegation", host(tmp_path, production=True)) == "warning"
    assert level("delegation", host(tmp_path)) == "ok"
