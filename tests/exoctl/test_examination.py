"""Root looks itself, in a real process; anybody else asks exod."""

import os

import pytest

from exoctl import examination
from exoctl.printer import Printer
from exoctl.session import Session
from exod.errors import Refused
from tests.exoctl.fake import FakeExod


def test_root_sees_every_check_without_a_daemon(
    no_daemon: None, tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EXOD_DEV_DIR", str(tmp_path))
    with Session(Printer(json_mode=True)) as session:
        rows = examination.findings(session)
    assert len(rows) > 40
    assert {"id", "title", "level", "what", "cost", "why", "repair"} <= set(rows[0])


def test_anybody_else_asks_exod(exod: FakeExod, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    exod.answers["Doctor"] = lambda *_: [[{"id": "clock", "level": "wrong", "repair": "one\ntwo"}]]
    with Session(Printer(json_mode=True)) as session:
        assert examination.findings(session) == [{"id": "clock", "level": "wrong", "repair": ["one", "two"]}]


def test_what_the_process_refuses_is_refused(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXOD_DEV_DIR", str(tmp_path))
    with pytest.raises(Refused, match="there is no such check"):
        examination.look("plan", "toaster")


@pytest.mark.parametrize("code", ["", "print('nonsense')", "import time; time.sleep(60)"])
def test_a_process_that_says_nothing_is_an_error(code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(examination, "_CODE", code)
    monkeypatch.setattr(examination, "_SECONDS", 0.2 if "sleep" in code else 20.0)
    with pytest.raises(Refused, match="cannot examine this host"):
        examination.look("examine")
