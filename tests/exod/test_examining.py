"""What the doctor's process asks of other rooms: the real ports, put together."""

from pathlib import Path

import pytest

from exod import examining
from exod.errors import Refused
from exod.state.store import Store
from tests.exod.state.judging import verify


def test_a_repair_is_a_record_of_the_audit(tmp_path: Path) -> None:
    examining.record(tmp_path, {"what": "repair", "check": "clock"})
    assert '"check":"clock"' in next((tmp_path / "audit").glob("*.jsonl")).read_text()
    assert verify(tmp_path / "audit").closed


async def test_while_a_daemon_has_the_log_it_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exod.state.registry._LOCK_WAIT", 0.01)
    import asyncio

    async with Store.open(tmp_path, data_uid=0):
        with pytest.raises(Refused, match="another process has it open"):
            await asyncio.to_thread(examining.record, tmp_path, {})


def test_its_words_come_from_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(examining.worker.probing, "follow", lambda _: None)
    monkeypatch.setattr("os.nice", lambda _: None)
    monkeypatch.setattr("sys.argv", ["x", str(tmp_path), "plan", "clock"])
    assert examining.main() == 2
    assert "no-repair" in capsys.readouterr().out
