"""Audit records: every event is in the table, written by whom it says. What people read is logged too."""

import ast
import logging
from collections.abc import Mapping
from pathlib import Path

import pytest

from exod.errors import Refusal
from exod.state.events import EVENTS
from exod.supervisor.ledger import Ledger
from exod.supervisor.ports import Caller
from tests.shape import tree

CALLER = Caller(":1.1", 1000)


class Book:
    def __init__(self, *, full: bool = False) -> None:
        self.lines: list[tuple[str, dict[str, object], str, str]] = []
        self.full = full

    def write(self, event: str, fields: Mapping[str, object], source: str, by: str) -> bool:
        self.lines.append((event, dict(fields), source, by))
        return not self.full

    async def flush(self) -> None:
        pass

    async def files(self) -> tuple[list[tuple[str, int]], dict[str, str]]:
        return [], {}

    async def read(self, name: str, offset: int) -> bytes:
        return b""


def test_a_refusal_says_who_asked_and_is_theirs_to_be_counted() -> None:
    book = Book()
    refusal = Refusal("no", "cannot do it: because", "try", {"why": "1"})
    Ledger(book).answered(refusal, caller=CALLER, subject="load a", job=3)
    Ledger(book).answered(refusal, caller=Caller("exod", 0), subject="load a")
    [(event, fields, source, by), (*_, roots)] = book.lines
    assert (event, source, by, roots) == ("refused", "exod", "uid 1000", "")
    assert (fields["caller"], fields["uid"], fields["job"]) == (":1.1", 1000, 3)
    assert (fields["code"], fields["evidence.why"]) == ("no", "1")


def test_what_people_want_to_know_is_logged_with_what_it_is_about(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "exod")
    ledger = Ledger(Book())
    ledger.answered(Refusal("no", "cannot load a: 100 % full"), caller=CALLER, subject="load a", job=3, plugin="a")
    ledger.note("job", job=4, kind="load", plugin="b", state="done")
    ledger.note("verdict", plugin="b", version="1")
    refused, job = caplog.records
    assert (refused.getMessage(), refused.levelname) == ("cannot load a: 100 % full", "WARNING")
    assert (job.getMessage(), job.levelname) == ("job job=4 kind=load plugin=b state=done", "INFO")
    assert (refused.__dict__["job"], job.__dict__["plugin"]) == ("3", "b")


def test_what_is_only_counted_is_not_logged_either(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "exod")
    Ledger(Book(full=True)).answered(Refusal("no", "cannot"), caller=CALLER, subject="load a")
    assert not caplog.records


# --- the table -------------------------------------------------------------------------------------------------------


def written() -> dict[str, list[str]]:
    """Event → where the daemon's code names it, as the first argument of a note or write of an audit or ledger."""
    found: dict[str, list[str]] = {}
    for path in tree.sources("exod"):
        for node in ast.walk(tree.syntax(path)):
            if isinstance(node, ast.Call) and _takes_an_event(node.func, path):
                found.setdefault(_event(node), []).append(f"{path}:{node.lineno}")
    return found


def _takes_an_event(called: ast.expr, path: Path) -> bool:
    if isinstance(called, ast.Name):
        return called.id == "note" or (called.id == "Record" and path.parts[1] == "state")
    if not isinstance(called, ast.Attribute):
        return False
    return called.attr == "note" or ast.unparse(called) in ("self.write", "audit.write", "self._audit.write")


def _event(call: ast.Call) -> str:
    first = call.args[1] if isinstance(call.func, ast.Name) and call.func.id == "Record" else call.args[0]
    if isinstance(first, ast.Attribute):  # chain.CLOSED, chain.PRUNED
        return f"audit-{first.attr.lower()}"
    return str(first.value) if isinstance(first, ast.Constant) else f"?{ast.unparse(first)}"


PASSED_ON = {"?event", "?_text(event, NAME_MAX)", "?found['event']"}
"""Where an event is a parameter: whoever calls these names it."""


def test_no_code_writes_an_event_that_is_not_in_the_table_and_none_of_it_is_dead() -> None:
    assert set(written()) - PASSED_ON == set(EVENTS)


@pytest.mark.parametrize("event", EVENTS)
def test_each_row_says_what_it_tells_and_when_it_is_safe(event: str) -> None:
    row = EVENTS[event]
    assert row.source in ("exod", "instance", "keeper", "kernel", "broker")
    assert 0 <= row.within <= 1
    assert len(row.tells.split()) > 3


@pytest.mark.parametrize("event", ["refused", "verdict", "trust", "exit", "fault", "strike", "audit-closed"])
def test_what_decides_or_ends_something_reaches_the_disk_at_once(event: str) -> None:
    assert EVENTS[event].within == 0
