import os
from pathlib import Path

import pytest

from exoctl import files
from exod.errors import Refused


def test_a_secret_is_ours_alone_from_the_first_moment(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        files.create(str(tmp_path / "key"), b"secret", mode=0o600)
    finally:
        os.umask(old)
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600


def test_nothing_is_ever_written_over_or_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "there").write_text("old")
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    for name in ("there", "link"):
        with pytest.raises(Refused, match="it exists"):
            files.create(str(tmp_path / name), b"new", mode=0o600)
    assert (tmp_path / "there").read_text() == "old"
    assert not (tmp_path / "elsewhere").exists()


def test_a_place_that_takes_no_files_says_why(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="No such file"):
        files.create(str(tmp_path / "no" / "key"), b"", mode=0o600)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_a_key_that_others_may_read_or_write_is_no_key(tmp_path: Path, mode: int) -> None:
    (tmp_path / "key").write_text("x")
    (tmp_path / "key").chmod(mode)
    with pytest.raises(Refused, match="others"):
        files.read_secret(str(tmp_path / "key"), verb="read", limit=10)


def test_a_key_behind_a_link_is_no_key(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("x")
    (tmp_path / "key").chmod(0o600)
    (tmp_path / "link").symlink_to("key")
    assert files.read_secret(str(tmp_path / "key"), verb="read", limit=10) == b"x"
    with pytest.raises(Refused, match="Too many levels"):
        files.read_secret(str(tmp_path / "link"), verb="read", limit=10)


def test_only_regular_files_of_sane_size_are_read(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"12345")
    assert files.read(str(tmp_path / "x"), verb="read", limit=5) == b"12345"
    for path, reason in (("x", "larger"), ("absent", "no such file"), (".", "not a regular|Is a directory")):
        with pytest.raises(Refused, match=reason):
            files.read(str(tmp_path / path), verb="read", limit=4)


def test_a_replaced_file_is_whole_or_the_old_one(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("old")
    files.replace(str(tmp_path / "x"), b"new")
    assert (tmp_path / "x").read_text() == "new"
    (tmp_path / "d").mkdir()
    with pytest.raises(Refused, match="cannot write"):
        files.replace(str(tmp_path / "d"), b"new")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["d", "x"]


def test_a_file_that_cannot_be_written_whole_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(fd: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Refused, match="No space left on device"):
        files.create(str(tmp_path / "x"), b"data", mode=0o600)
    assert list(tmp_path.iterdir()) == []
