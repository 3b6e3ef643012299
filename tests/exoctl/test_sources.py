import os
from pathlib import Path

import pytest

from exoctl import sources
from exod.errors import Refused


@pytest.fixture
def plugin(tmp_path: Path) -> Path:
    (tmp_path / "code").mkdir()
    (tmp_path / "package.toml").write_text("[package]\n")
    (tmp_path / "code" / "hello.py").write_text("x = 1\n")
    return tmp_path


def refusal(directory: Path) -> str:
    with pytest.raises(Refused) as caught:
        sources.read(str(directory))
    return caught.value.refusal.sentence


def test_the_files_of_a_package_are_read_with_their_modes(plugin: Path) -> None:
    (plugin / "assets").mkdir()
    (plugin / "assets" / "run").write_bytes(b"#!")
    (plugin / "assets" / "run").chmod(0o755)
    assert sources.read(str(plugin)) == {
        "assets/run": (b"#!", True),
        "code/hello.py": (b"x = 1\n", False),
        "package.toml": (b"[package]\n", False),
    }


def test_tests_caches_and_hidden_files_stay_at_home(plugin: Path) -> None:
    for place in (".git", "tests", "code/__pycache__"):
        (plugin / place).mkdir()
        (plugin / place / "x").write_text("x")
    (plugin / "code" / "hello.pyc").write_text("x")
    (plugin / "hello_1.exopkg").write_text("x")
    assert set(sources.read(str(plugin))) == {"code/hello.py", "package.toml"}


@pytest.mark.parametrize("place", ["secret", "code/secret"])
def test_a_link_is_refused_wherever_it_leads(plugin: Path, place: str) -> None:
    (plugin / place).symlink_to("/etc/shadow")
    assert refusal(plugin).startswith("cannot build")


def test_a_link_in_place_of_a_directory_is_refused(plugin: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    (plugin / "assets").symlink_to(tmp_path_factory.mktemp("other"))
    assert "only plain files" in refusal(plugin)


def test_a_fifo_is_refused_without_waiting_for_a_writer(plugin: Path) -> None:
    os.mkfifo(plugin / "code" / "pipe")
    assert "only plain files" in refusal(plugin)


def test_what_a_package_cannot_carry_is_named(plugin: Path) -> None:
    (plugin / "notes.txt").write_text("x")
    assert "no place for notes.txt" in refusal(plugin)


def test_size_and_depth_are_capped(plugin: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "TOTAL_MAX", 8)
    (plugin / "code" / "big.py").write_bytes(b"123456789")
    assert "larger than" in refusal(plugin)
    (plugin / "code" / "big.py").write_bytes(b"1234567")
    assert "larger than" in refusal(plugin)
    monkeypatch.undo()
    monkeypatch.setattr(sources, "_DEPTH_MAX", 1)
    (plugin / "code" / "a").mkdir()
    assert "too deep" in refusal(plugin)


def test_a_file_that_grows_while_it_is_read_is_refused(plugin: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.fstat

    def smaller(fd: int) -> os.stat_result:
        found = list(real(fd))
        found[6] = 1
        return os.stat_result(found)

    monkeypatch.setattr(os, "fstat", smaller)
    assert "changed while it was read" in refusal(plugin)


def test_a_directory_that_is_not_there_is_not_found(tmp_path: Path) -> None:
    assert "No such file" in refusal(tmp_path / "absent")
