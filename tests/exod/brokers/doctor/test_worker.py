"""The doctor's process as its callers see it: lines of JSON, and a repair that is recorded before it is done."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from exod.brokers.doctor import probing, worker
from exod.brokers.doctor.table import CHECKS
from exod.errors import Refusal, Refused
from tests.exod.brokers.doctor.broken import PORTS, host
from tests.exod.running import run
from tests.exod.state.judging import verify

Ask = Callable[..., tuple[int, list[dict[str, Any]]]]


@pytest.fixture
def ask(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Ask:
    host(tmp_path)
    monkeypatch.setattr(probing, "follow", lambda _: None)
    monkeypatch.setattr(worker.os, "nice", lambda _: None)

    def call(*words: str, ports: Any = PORTS) -> tuple[int, list[dict[str, Any]]]:
        code = worker.main([str(tmp_path), *words], ports)
        return code, [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    return call


def events(directory: Path) -> list[dict[str, Any]]:
    files = sorted((directory / "lib/audit").glob("*.jsonl"))
    return [json.loads(line) for file in files for line in file.read_text().splitlines()]


def test_an_examination_has_a_line_for_every_check(ask: Ask) -> None:
    code, rows = ask("examine")
    assert (code, [row["id"] for row in rows]) == (0, [check.id for check in CHECKS])
    assert [row for row in rows if row["level"] == "unknown" and row["id"] != "systemd-delegate"] == []


def test_protections_are_what_degraded_speaks_of(ask: Ask) -> None:
    _, rows = ask("protections")
    assert {row["id"] for row in rows} == {check.id for check in CHECKS if check.protection}
    assert {"landlock-errata", "cgroup-controllers"} & {row["id"] for row in rows} == set()


@pytest.mark.parametrize(
    ("words", "code"), [(("repair", "toaster"), 4), (("repair", "landlock"), 2), (("levitate",), 2), ((), 2)]
)
def test_what_cannot_be_done_is_refused_by_name(ask: Ask, words: tuple[str, ...], code: int) -> None:
    got, [row] = ask(*words)
    assert (got, row["refusal"]["sentence"].startswith("cannot ")) == (code, True)


def test_a_plan_is_what_the_repair_does_and_changes_nothing(ask: Ask, tmp_path: Path) -> None:
    (tmp_path / "etc").chmod(0o777)
    _, [planned] = ask("plan", "trust-modes")
    assert planned["steps"] == [f"chmod 0755 {tmp_path}/etc"]
    assert (tmp_path / "etc").stat().st_mode & 0o777 == 0o777
    _, [done, after] = ask("repair", "trust-modes")
    assert (done, after["level"]) == (planned, "ok")
    [row] = [one["fields"] for one in events(tmp_path) if one["event"] == "daemon"]
    assert row == {"what": "repair", "check": "trust-modes", "steps": planned["steps"][0]}
    assert verify(tmp_path / "lib/audit").holds


def test_what_cannot_be_recorded_is_not_done(ask: Ask, tmp_path: Path) -> None:
    def busy(*_: object) -> None:
        raise Refused(Refusal("registry-busy", "cannot open the registry: another process has it open"))

    (tmp_path / "etc").chmod(0o777)
    code, rows = ask("repair", "trust-modes", ports=replace(PORTS, record=busy))
    assert (code, rows[-1]["refusal"]["code"]) == (3, "registry-busy")
    assert (tmp_path / "etc").stat().st_mode & 0o777 == 0o777
    _, rows = ask("repair", "trust-modes", "recorded", ports=replace(PORTS, record=busy))
    assert rows[-1]["level"] == "ok"


def test_a_state_that_exod_does_not_believe_is_repaired_and_then_recorded(ask: Ask, tmp_path: Path) -> None:
    (tmp_path / "lib").chmod(0o777)
    assert ask("repair", "state-modes")[1][-1]["level"] == "ok"
    assert [one["fields"]["check"] for one in events(tmp_path) if one["event"] == "daemon"] == ["state-modes"]


def test_a_step_that_fails_is_told(ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    (tmp_path / "etc").chmod(0o777)
    monkeypatch.setattr("os.fchmod", full)
    code, rows = ask("repair", "trust-modes")
    assert (code, rows[-1]["refusal"]["code"]) == (1, "repair-failed")


def test_a_host_without_state_records_nothing_and_makes_nothing(ask: Ask, tmp_path: Path) -> None:
    (tmp_path / "lib").rmdir()
    (tmp_path / "etc").chmod(0o777)
    assert ask("repair", "trust-modes")[1][-1]["level"] == "ok"
    assert not (tmp_path / "lib").exists()


def test_it_needs_neither_bus_nor_supervisor() -> None:
    loaded = (
        "import sys, exod.examining; print(sorted(m for m in sys.modules if m.startswith(('exod.dbus', 'dbus_next'))))"
    )
    assert run(loaded).stdout == "[]\n"
