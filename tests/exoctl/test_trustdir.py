import os
from pathlib import Path

import pytest

from exoctl import trustdir
from exod.errors import Refused


def refused(path: Path) -> str:
    with pytest.raises(Refused) as caught:
        trustdir.read(str(path))
    return caught.value.refusal.sentence


def test_only_what_means_something_is_read(trust_d: Path) -> None:
    for name in ("a.toml", "b.revocation", "c.rotation", "README", ".d.toml.1234"):
        (trust_d / name).write_text(name)
    assert set(trustdir.read(str(trust_d))) == {"a.toml", "b.revocation", "c.rotation"}


@pytest.mark.parametrize("mode", [0o775, 0o757])
def test_a_directory_that_others_may_write_decides_nothing(trust_d: Path, mode: int) -> None:
    trust_d.chmod(mode)
    assert "may write there" in refused(trust_d)


def test_a_directory_of_another_user_decides_nothing(trust_d: Path) -> None:
    os.chown(trust_d, 12345, 12345)
    assert "another user" in refused(trust_d)


def test_links_are_not_followed(trust_d: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(trust_d)
    assert "cannot open" in refused(tmp_path / "link")
    (trust_d / "a.toml").symlink_to("/etc/passwd")
    assert "cannot read a.toml" in refused(trust_d)


def test_odd_and_huge_files_are_refused(trust_d: Path) -> None:
    os.mkfifo(trust_d / "a.toml")
    assert "not a regular file" in refused(trust_d)
    (trust_d / "a.toml").unlink()
    (trust_d / "a.toml").write_bytes(b"x" * 70_000)
    assert "larger than" in refused(trust_d)


def test_a_file_is_added_whole_and_once(trust_d: Path) -> None:
    trustdir.add(str(trust_d), "a.toml", b"one")
    with pytest.raises(Refused, match="it exists"):
        trustdir.add(str(trust_d), "a.toml", b"two")
    trustdir.replace(str(trust_d), "a.toml", b"three")
    assert {path.name: path.read_bytes() for path in trust_d.iterdir()} == {"a.toml": b"three"}
