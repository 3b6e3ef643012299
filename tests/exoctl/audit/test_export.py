from pathlib import Path

import pytest

from exoctl.auditlog import read_key
from tests.exoctl.conftest import Exoctl


@pytest.mark.usefixtures("served")
def test_the_log_is_copied_and_what_is_known_with_it(exoctl: Exoctl, log: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    assert exoctl("--json", "audit", "export", str(copy)).json == {"directory": str(copy), "files": 1, "last": ""}
    [file] = log.glob("audit-*")
    assert (copy / file.name).read_bytes() == file.read_bytes()
    assert (copy / "known.json").read_text() == '{"initial_key":"here"}\n'
    assert copy.stat().st_mode & 0o777 == 0o700
    assert exoctl("audit", "verify", str(copy)).code == 0


@pytest.mark.usefixtures("served")
def test_a_directory_that_is_there_is_not_written_into(exoctl: Exoctl, tmp_path: Path) -> None:
    assert exoctl("audit", "export", str(tmp_path)).code == 1


@pytest.mark.usefixtures("served")
def test_a_dry_run_writes_nothing(exoctl: Exoctl, log: Path, tmp_path: Path) -> None:
    steps = exoctl("--json", "audit", "export", str(tmp_path / "copy"), "--dry-run").json["steps"]
    assert [step.split("/")[-1] for step in steps] == ["copy", "audit-000000000001.jsonl", "known.json"]
    assert exoctl("audit", "export", "--key", str(tmp_path / "key"), "--dry-run").code == 0
    assert not (tmp_path / "copy").exists()
    assert (log / "initial.key").exists()


def test_the_first_key_is_moved_and_nothing_of_it_stays(exoctl: Exoctl, log: Path, tmp_path: Path) -> None:
    away = tmp_path / "audit.key"
    before = (log / "initial.key").read_bytes()
    with (log / "initial.key").open("rb") as held:
        said = exoctl("--json", "audit", "export", "--key", str(away)).json
        assert held.read() == bytes(512), "overwritten before it was unlinked"
    assert (said["behind"], said["file"]) == (0, str(away))
    assert away.read_bytes() == before.rstrip() + b"\n"
    assert away.stat().st_mode & 0o777 == 0o600
    assert read_key(str(away)).id == said["key"]
    assert not (log / "initial.key").exists()
    assert exoctl("audit", "verify", str(log), "--key", str(away)).code == 0
    assert exoctl("audit", "export", "--key", str(tmp_path / "again")).code == 4


def test_it_may_be_shown_instead(exoctl: Exoctl, log: Path) -> None:
    before = (log / "initial.key").read_text().rstrip()
    assert exoctl("audit", "export", "--key", "-").out == before + "\n"
    assert not (log / "initial.key").exists()


def test_a_key_that_could_not_be_written_is_still_there(exoctl: Exoctl, log: Path, tmp_path: Path) -> None:
    (tmp_path / "taken").touch()
    assert exoctl("audit", "export", "--key", str(tmp_path / "taken")).code == 2
    assert exoctl("audit", "export", "--key", str(log / "elsewhere.key")).code == 2
    assert (log / "initial.key").exists()


def test_what_to_export_must_be_said(exoctl: Exoctl) -> None:
    assert exoctl("audit", "export").code == 2
    assert exoctl("audit", "export", "x", "--key", "y").code == 2
