"""What people and scripts see of the doctor; repairs asked, recorded, done and looked at again."""

import os
from pathlib import Path
from typing import Any

import pytest

from exoctl import examination
from exod.errors import Outcome, Refusal
from tests.exoctl.conftest import Exoctl
from tests.exoctl.fake import FakeExod


def row(id_: str, level: str, **more: Any) -> dict[str, Any]:
    base = {"id": id_, "title": "t", "level": level, "what": f"{id_} is so", "cost": "dear", "why": "because"}
    return base | {"repair": [], "protection": False} | more


@pytest.fixture
def rows(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    found = [row("seccomp", "ok", cost=""), row("clock", "warning")]
    monkeypatch.setattr(examination, "findings", lambda _: found)
    return found


def test_warnings_are_shown_with_their_cost_and_end_well(rows: list[Any], exoctl: Exoctl) -> None:
    ran = exoctl("doctor")
    assert ran.code == 0
    assert ran.out.splitlines()[1].split() == ["clock", "warning", "clock", "is", "so"]
    assert "clock: dear\n  because\n" in ran.out
    assert ran.out.splitlines()[-1] == "1 of 2 are well"
    assert "seccomp" in exoctl("doctor", "--all").out


@pytest.mark.parametrize("level", ["wrong", "unknown"])
def test_what_is_wrong_or_cannot_be_found_out_ends_with_1(level: str, rows: list[Any], exoctl: Exoctl) -> None:
    rows.append(row("room", level, repair=["make room"]))
    ran = exoctl("--json", "doctor")
    assert (ran.code, ran.lines[0][-1]["id"], ran.error["code"]) == (1, "room", "host-unwell")
    assert ran.error["hint"] == "exoctl doctor --fix room"
    assert "  exoctl doctor --fix room\n" in exoctl("doctor").out


def test_a_host_that_is_well_says_so(rows: list[Any], exoctl: Exoctl) -> None:
    rows.pop()
    assert exoctl("doctor").out == "1 of 1 are well\n"


def test_a_dry_run_looks_at_nothing(exoctl: Exoctl) -> None:
    assert exoctl("--json", "doctor", "--dry-run").json["steps"] == ["look at everything; change nothing"]


@pytest.fixture
def loose(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A development directory whose etc others may write."""
    monkeypatch.setenv("EXOD_DEV_DIR", str(tmp_path))
    for name in ("etc", "lib"):
        (tmp_path / name).mkdir(mode=0o700)
    (tmp_path / "etc").chmod(0o777)
    return tmp_path / "etc"


def test_a_repair_is_recorded_by_the_daemon_then_done(exod: FakeExod, exoctl: Exoctl, loose: Path) -> None:
    exod.answers["Repairing"] = lambda *_: []
    ran = exoctl("--json", "doctor", "--fix", "trust-modes", "--yes")
    assert (ran.json["repaired"], ran.json["finding"]["level"]) == (True, "ok")
    assert exod.called("Repairing") == ["trust-modes", f"chmod 0755 {loose}"]
    assert loose.stat().st_mode & 0o777 == 0o755
    assert not (loose.parent / "lib/audit").exists()


def test_without_a_daemon_the_record_is_written_here(no_daemon: None, exoctl: Exoctl, loose: Path) -> None:
    assert exoctl("doctor", "--fix", "trust-modes", "--yes").out.startswith("trust-modes: ok: ")
    assert "trust-modes" in next((loose.parent / "lib/audit").glob("*.jsonl")).read_text()


def test_a_daemon_that_does_not_record_keeps_it_from_being_done(exod: FakeExod, exoctl: Exoctl, loose: Path) -> None:
    exod.refuses("Repairing", Refusal("not-authorized", "cannot do this: no", outcome=Outcome.NOT_AUTHORIZED))
    assert exoctl("--json", "doctor", "--fix", "trust-modes", "--yes").code == 5
    assert loose.stat().st_mode & 0o777 == 0o777


def test_nobody_to_ask_means_that_nothing_is_done(no_daemon: None, exoctl: Exoctl, loose: Path) -> None:
    ran = exoctl("--json", "doctor", "--fix", "trust-modes")
    assert (ran.code, ran.error["hint"]) == (2, "exoctl doctor --fix trust-modes --yes")
    assert exoctl("--json", "doctor", "--fix", "trust-modes", "--dry-run").json["steps"] == [f"chmod 0755 {loose}"]
    assert loose.stat().st_mode & 0o777 == 0o777


@pytest.mark.parametrize(("said", "mode"), [(True, 0o755), (False, 0o777)])
def test_whoever_is_asked_decides(
    said: bool, mode: int, no_daemon: None, exoctl: Exoctl, loose: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("exoctl.session.Session.may_ask", True)
    monkeypatch.setattr("click.confirm", lambda *_, **__: said)
    assert exoctl("doctor", "--fix", "trust-modes").code == (0 if said else 1)
    assert loose.stat().st_mode & 0o777 == mode


def test_what_is_well_needs_no_repair(no_daemon: None, exoctl: Exoctl, loose: Path) -> None:
    loose.chmod(0o755)
    assert exoctl("doctor", "--fix", "trust-modes").out == "nothing would change\n"


def test_only_root_repairs(exoctl: Exoctl, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert exoctl("--json", "doctor", "--fix", "trust-modes", "--yes").error["code"] == "not-root"


def test_a_repair_that_heals_nothing_is_a_failure(
    exod: FakeExod, exoctl: Exoctl, monkeypatch: pytest.MonkeyPatch
) -> None:
    exod.answers["Repairing"] = lambda *_: []
    monkeypatch.setattr(examination, "look", lambda *_: [{"steps": ["hope"]}, row("room", "wrong")])
    assert exoctl("--json", "doctor", "--fix", "room", "--yes").error["code"] == "not-repaired"


def test_a_report_and_a_repair_are_two_things(exoctl: Exoctl) -> None:
    assert exoctl("doctor", "--fix", "room", "--bundle", "x").code == 2


def test_a_report_lists_what_it_holds(rows: list[Any], no_daemon: None, exoctl: Exoctl, tmp_path: Path) -> None:
    path = tmp_path / "report.tar.gz"
    assert "findings.json" in exoctl("doctor", "--bundle", str(path), "--dry-run").out
    assert not path.exists()
    assert "  jobs.json: " in exoctl("doctor", "--bundle", str(path)).out
    assert exoctl("--json", "doctor", "--bundle", str(path)).error["code"] == "unwritable-file"
