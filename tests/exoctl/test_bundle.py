"""A report for a bug: for one person's eyes, with known parts, and nothing secret in it."""

import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from exoctl import bundle
from exoctl.printer import Printer
from exoctl.session import Session
from exod.names import BUS_NAME, ROOT_PATH, VERSION
from tests.exoctl.fake import FakeExod


def held(path: Path) -> dict[str, str]:
    with tarfile.open(path) as tar:
        files = {row.name.removeprefix("exod-report/"): tar.extractfile(row) for row in tar}
        return {name: file.read().decode() for name, file in files.items() if file is not None}


def write(path: Path, **options: Any) -> dict[str, str]:
    with Session(Printer(json_mode=True), **options) as session:
        bundle.write(session, str(path), [{"id": "clock"}])
    return held(path)


def test_it_holds_what_it_lists_and_nothing_secret(
    exod: FakeExod, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EXOD_DEV_DIR", str(tmp_path))
    exod.objects[ROOT_PATH] = {f"{BUS_NAME}.Manager": {"Version": VERSION, "Degraded": {}}}
    for name, text in (("etc/exod.toml", "# hunter2\njob-days = 7\n"), ("log/exod.log", "began\nready\n")):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text(text)
    path = tmp_path / "report.tar.gz"
    parts = write(path)
    assert set(parts) == set(bundle.PARTS)
    assert path.stat().st_mode & 0o777 == 0o600
    assert json.loads(parts["settings.json"]) == {"job-days": 7}
    assert json.loads(parts["versions.json"])["exod"] == VERSION
    assert json.loads(parts["findings.json"]) == [{"id": "clock"}]
    assert parts["log.txt"] == "began\nready\n"
    assert "hunter2" not in "".join(parts.values())


def test_what_cannot_be_had_is_said_in_its_place(
    no_daemon: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EXOD_DEV_DIR", str(tmp_path))
    parts = write(tmp_path / "report.tar.gz")
    for name in ("daemon.json", "plugins.json", "jobs.json", "settings.json", "log.txt"):
        assert "not available" in parts[name]
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/exod.toml").write_text("= =")
    assert "not available" in write(tmp_path / "again.tar.gz")["settings.json"]


def test_the_journal_is_read_where_there_is_one(no_daemon: None, tmp_path: Path) -> None:
    assert "log.txt" in write(tmp_path / "report.tar.gz")
