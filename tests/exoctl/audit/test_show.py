from pathlib import Path

import pytest

from exod.errors import Outcome, Refusal
from tests.exoctl.conftest import Exoctl
from tests.exoctl.fake import FakeExod


@pytest.mark.usefixtures("served")
def test_the_newest_records_are_shown_oldest_first_without_what_a_terminal_obeys(exoctl: Exoctl) -> None:
    lines = exoctl("audit", "show", "--lines", "2").out.splitlines()
    assert lines[0].split() == ["TIME", "RECORD", "SOURCE", "EVENT", "WHAT"]
    assert [line.split()[2:5] for line in lines[1:]] == [["10", "exod", "fault"], ["11", "exod", "audit-closed"]]
    assert "cannot keep hello: \\x1b[2J plugin=hello" in lines[1]


@pytest.mark.usefixtures("served")
def test_one_event_and_one_plugin_may_be_asked_for(exoctl: Exoctl) -> None:
    rows = exoctl("--json", "audit", "show", "--event", "job", "--plugin", "hello", "--lines", "3").json
    assert [row["fields"]["job"] for row in rows] == ["3", "5", "7"]
    assert exoctl("audit", "show", "--event", "strike").out == "no records\n"


def test_a_copy_is_shown_without_a_daemon(exoctl: Exoctl, log: Path, no_daemon: None) -> None:
    assert len(exoctl("--json", "audit", "show", str(log)).json) == 11


def test_what_is_no_record_is_shown_as_such(exoctl: Exoctl, log: Path) -> None:
    [file] = log.glob("audit-*")
    file.write_bytes(file.read_bytes() + b"rubbish \x1b[2J\n")
    shown = exoctl("audit", "show", str(log), "--lines", "1").out.splitlines()[-1]
    assert shown.endswith("no record  rubbish \\x1b[2J")


def test_where_there_is_no_log_it_is_said(exoctl: Exoctl, tmp_path: Path) -> None:
    assert exoctl("audit", "show", str(tmp_path / "nowhere")).code == 4
    assert exoctl("--json", "audit", "show", str(tmp_path)).error["code"] == "no-audit-log"


def test_who_may_not_read_it_is_told(exod: FakeExod, exoctl: Exoctl) -> None:
    exod.refuses("ListAudit", Refusal("not-authorized", "cannot do this: no", outcome=Outcome.NOT_AUTHORIZED))
    assert exoctl("audit", "show").code == 5
