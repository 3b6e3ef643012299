"""openat2: how a path may be walked."""

import os
from pathlib import Path

import pytest

from exod.linux.mount import AT_FDCWD
from exod.linux.openat2 import RESOLVE_BENEATH, RESOLVE_NO_MAGICLINKS, RESOLVE_NO_SYMLINKS, openat2


def test_a_plain_path_is_opened(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x")
    file = openat2(AT_FDCWD, str(tmp_path / "a"), os.O_RDONLY, resolve=RESOLVE_NO_SYMLINKS)
    assert os.read(file, 9) == b"x"
    os.close(file)


def test_links_are_refused_where_they_are_not_wanted(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/etc/passwd")
    with pytest.raises(OSError, match="link"):
        openat2(AT_FDCWD, str(tmp_path / "link"), os.O_RDONLY, resolve=RESOLVE_NO_SYMLINKS)
    with pytest.raises(OSError, match="cwd"):
        openat2(AT_FDCWD, "/proc/self/cwd/x", os.O_RDONLY, resolve=RESOLVE_NO_MAGICLINKS)


def test_a_way_out_is_refused(tmp_path: Path) -> None:
    directory = os.open(tmp_path, os.O_PATH)
    with pytest.raises(OSError, match="cross-device"):
        openat2(directory, "../x", os.O_RDONLY, resolve=RESOLVE_BENEATH)
    os.close(directory)


def test_a_file_is_made_with_its_mode(tmp_path: Path) -> None:
    file = openat2(AT_FDCWD, str(tmp_path / "n"), os.O_CREAT | os.O_WRONLY, resolve=0, mode=0o600)
    assert os.fstat(file).st_mode & 0o777 == 0o600
    os.close(file)
