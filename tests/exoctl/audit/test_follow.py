from pathlib import Path

import pytest

from exoctl.audit import follow
from tests.exoctl.conftest import Exoctl


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch, log: Path) -> list[object]:
    """Each pause is a second, and something is written in the first and the third of them."""
    script: list[object] = []
    now = [0.0]
    [file] = log.glob("audit-*")
    whole = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join(whole[:8]))

    def pause(_seconds: float) -> None:
        now[0] += 1
        if now[0] == 1:
            file.write_bytes(b"".join(whole[:9]) + whole[9][:20])
        if now[0] == 3:
            file.write_bytes(b"".join(whole[:10]))
            (log / "audit-000000000011.jsonl").write_bytes(whole[10])

    monkeypatch.setattr(follow.time, "sleep", pause)
    monkeypatch.setattr(follow.time, "monotonic", lambda: now[0])
    return script


@pytest.mark.usefixtures("served", "clock")
def test_what_is_written_from_now_on_is_shown_once_and_whole(exoctl: Exoctl) -> None:
    rows = exoctl("--json", "audit", "follow", "--timeout", "5").lines
    assert [row["seq"] for row in rows] == [9, 10, 11]


@pytest.mark.usefixtures("served", "clock")
def test_people_see_one_line_a_record(exoctl: Exoctl) -> None:
    lines = exoctl("audit", "follow", "--timeout", "5", "--event", "fault").out.splitlines()
    assert [line.split()[2:5] for line in lines] == [["10", "exod", "fault"]]
