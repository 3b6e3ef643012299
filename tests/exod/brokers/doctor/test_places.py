"""Owners, modes, file systems and room: broken in a directory or a mount of the test's own, then healed."""

import os
from pathlib import Path

import pytest

from exod.linux.syscall import detach
from tests.exod.brokers.doctor.broken import apart, check, found, host, level, tmpfs


def heal(id_: str, at: object) -> None:
    repair = check(id_).repair
    assert repair is not None
    for action in repair(at):  # type: ignore[arg-type]
        action.do()


@pytest.mark.parametrize("name", ["", "exod.toml", "trust.d", "trust.d/lab.toml", "plugins.d/echo.toml"])
def test_what_others_may_write_is_wrong_until_it_is_narrowed(name: str, tmp_path: Path) -> None:
    at = host(tmp_path)
    for directory in ("trust.d", "plugins.d"):
        (tmp_path / "etc" / directory).mkdir()
    path = tmp_path / "etc" / name
    if path.suffix:
        path.touch(mode=0o644)
    assert level("trust-modes", at) == "ok"
    path.chmod(0o777 if path.is_dir() else 0o666)
    assert str(path) in found("trust-modes", at)[1]
    heal("trust-modes", at)
    assert level("trust-modes", at) == "ok"


def test_a_file_that_took_the_others_place_gets_no_bit_more(tmp_path: Path) -> None:
    at = host(tmp_path)
    config, repair = tmp_path / "etc/exod.toml", check("trust-modes").repair
    config.touch()
    config.chmod(0o666)
    assert repair is not None
    (action,) = repair(at)
    config.chmod(0o600)
    action.do()
    assert config.stat().st_mode & 0o777 == 0o600


def test_what_belongs_to_another_or_is_a_link_is_for_a_person(tmp_path: Path) -> None:
    at = host(tmp_path)
    trust = tmp_path / "etc/trust.d"
    trust.mkdir()
    (trust / "lab.toml").touch()
    (trust / "lab.toml").chmod(0o666)
    os.chown(trust / "lab.toml", 4711, 0)
    (trust / "far.toml").symlink_to("/etc/passwd")
    heal("trust-modes", at)
    words = found("trust-modes", at)[1]
    assert "lab.toml belongs to uid 4711" in words
    assert "far.toml is a link" in words
    assert (trust / "lab.toml").stat().st_mode & 0o777 == 0o666
    assert Path("/etc/passwd").stat().st_mode & 0o022 == 0


@pytest.mark.parametrize("name", ["lib", "log", "lib/registry.sqlite", "lib/audit"])
def test_state_that_others_may_read_is_wrong_until_it_is_narrowed(name: str, tmp_path: Path) -> None:
    at = host(tmp_path)
    path = tmp_path / name
    if not path.exists():
        path.touch(mode=0o600)
    assert level("state-modes", at) == "ok"
    path.chmod(path.stat().st_mode | 0o004)
    assert level("state-modes", at) == "wrong"
    heal("state-modes", at)
    assert level("state-modes", at) == "ok"


def test_state_on_memory_is_forgotten_at_the_next_boot(tmp_path: Path) -> None:
    at, development = host(tmp_path, production=True), host(tmp_path)

    def look() -> list[str]:
        tmpfs(tmp_path / "lib")
        seen = [level("state-file-system", at), level("state-file-system", development)]
        detach(str(tmp_path / "lib"))
        return [*seen, level("state-file-system", at)]

    forgets, told, healed = apart(look)
    assert (forgets, told) == ("wrong", "warning")
    assert healed != "wrong"


def test_a_full_disk_is_wrong_until_there_is_room(tmp_path: Path) -> None:
    at = host(tmp_path)

    def look() -> list[str]:
        tmpfs(tmp_path / "lib", "200m")
        file = tmp_path / "lib/big"
        seen = []
        for size in (192, 182, 100):
            with open(file, "wb") as grown:
                os.posix_fallocate(grown.fileno(), 0, size << 20)
            seen.append(level("room", at))
        return seen

    assert apart(look) == ["wrong", "wrong", level("room", at)]


def test_a_disk_that_fills_is_worth_a_look(tmp_path: Path) -> None:
    at = host(tmp_path)

    def look() -> str:
        tmpfs(tmp_path / "lib", "1g")
        with open(tmp_path / "lib/big", "wb") as grown:
            os.posix_fallocate(grown.fileno(), 0, 945 << 20)
        return level("room", at)

    assert apart(look) == "warning"
