"""The daemon's side: the real process asked, its answer noted, and an answer that does not come."""

import asyncio
from pathlib import Path

import pytest

from exod.brokers.doctor import asking
from exod.brokers.doctor.asking import Doctor
from exod.errors import Refused
from exod.layout import development, production
from tests.exod.brokers.doctor.broken import children


async def test_an_examination_is_the_real_process(tmp_path: Path) -> None:
    noted: dict[str, str] = {}
    before = children()
    rows = await Doctor(development(tmp_path), note=noted.__setitem__).examine()
    assert len(rows) > 40
    assert all(isinstance(value, str) for row in rows for value in row.values())
    assert noted["user-namespaces"] == ""
    assert "kptr-restrict" not in noted
    assert children() == before


@pytest.mark.parametrize("code", ["", "print('nonsense')", "print('{\"refusal\": {}}')", "import time; time.sleep(60)"])
async def test_a_process_that_does_not_answer_is_refused(code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    noted: dict[str, str] = {}
    monkeypatch.setattr(asking, "_CODE", code)
    monkeypatch.setattr(asking, "_SECONDS", 0.2 if "sleep" in code else 20.0)
    doctor = Doctor(production(), note=noted.__setitem__)
    with pytest.raises(Refused, match="cannot examine this host"):
        await doctor.examine()
    await doctor.begin()
    assert "cannot examine this host" in noted["doctor"]


async def test_development_waits_until_it_is_asked(tmp_path: Path) -> None:
    noted: dict[str, str] = {}
    await Doctor(development(tmp_path), note=noted.__setitem__).begin()
    assert noted == {}


async def test_an_end_in_the_middle_leaves_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "_CODE", "import time; time.sleep(60)")
    before = children()
    task = Doctor(production(), note=lambda *_: None).begin()
    started = asyncio.get_running_loop().time()
    while children() == before:
        assert asyncio.get_running_loop().time() < started + 10
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert children() == before
