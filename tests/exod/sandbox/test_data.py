"""State that belongs to one data uid on disk and to the instance inside."""

import os
from pathlib import Path

import pytest

from exod.linux import mount
from exod.sandbox import data

OUTSIDE, INSIDE = 2147099999, 2147100007


def test_a_file_of_the_data_uid_is_the_instances_through_the_mount(tmp_path: Path) -> None:
    os.chown(tmp_path, OUTSIDE, OUTSIDE)
    tree = data.bind(str(tmp_path), data_uid=OUTSIDE, uid=INSIDE)
    assert tree is not None
    try:
        assert os.fstat(tree).st_uid == INSIDE
    finally:
        os.close(tree)
    assert tmp_path.stat().st_uid == OUTSIDE


def test_a_link_on_the_way_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/etc")
    with pytest.raises(OSError, match="symbolic"):
        data.bind(str(tmp_path / "link"), data_uid=OUTSIDE, uid=INSIDE)


def test_a_file_system_that_cannot_map_users_is_told_apart_from_a_failure() -> None:
    before = len(os.listdir("/proc/self/fd"))
    assert data.bind("/proc/1", data_uid=OUTSIDE, uid=INSIDE) is None
    assert len(os.listdir("/proc/self/fd")) == before


def test_any_other_failure_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise PermissionError(1, "no")

    monkeypatch.setattr(mount, "mount_setattr", fail)
    with pytest.raises(PermissionError):
        data.bind(str(tmp_path), data_uid=OUTSIDE, uid=INSIDE)
