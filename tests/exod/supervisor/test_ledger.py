"""Audit records: every field is text, and configuration values are never among them. What people read is logged too."""

import logging

import pytest

from exod.errors import Refusal
from exod.supervisor.ledger import Ledger


class Book:
    def __init__(self) -> None:
        self.lines: list[tuple[str, dict[str, str]]] = []

    def write(self, event: str, fields: dict[str, str]) -> None:
        self.lines.append((event, fields))

    async def flush(self) -> None:
        pass


def test_every_event_is_written_as_text() -> None:
    book = Book()
    ledger = Ledger(book)
    refusal = Refusal("no", "cannot do it: because", "try", {"why": "1"})
    ledger.refused(refusal, caller=":1.1", subject="load a", job=3)
    ledger.note("verdict", plugin="a", version="1", level="trusted")
    ledger.note("state", plugin="a", old="unloaded", new="loading", instance=1)
    ledger.note("job", job=3, kind="load", plugin="a", caller="exod", state="done")
    ledger.note("exit", plugin="a", instance=1, cause="signal", status=9, expected=False)
    ledger.fault("a", refusal)
    ledger.note("restart", plugin="a", attempt=1, delay=0.02)
    ledger.note("strike", plugin="a", instance=1, reason="it lied")
    ledger.note("config", plugin="a", keys="word")
    ledger.note("trust", change="pin", generation=2, plugin="a")
    ledger.note("daemon", what="start")
    events = [event for event, _ in book.lines]
    assert events == "refused verdict state job exit fault restart strike config trust daemon".split()
    assert all(isinstance(value, str) for _, fields in book.lines for value in fields.values())
    assert book.lines[0][1]["evidence.why"] == "1"


def test_what_people_want_to_know_is_logged_with_what_it_is_about(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "exod")
    ledger = Ledger(Book())
    ledger.refused(Refusal("no", "cannot load a: 100 % full"), caller=":1.1", subject="load a", job=3, plugin="a")
    ledger.note("job", job=4, kind="load", plugin="b", state="done")
    ledger.note("verdict", plugin="b", version="1")
    refused, job = caplog.records
    assert (refused.getMessage(), refused.levelname) == ("cannot load a: 100 % full", "WARNING")
    assert (job.getMessage(), job.levelname) == ("job job=4 kind=load plugin=b state=done", "INFO")
    assert (refused.__dict__["job"], job.__dict__["plugin"]) == ("3", "b")
