"""Rows looked at again and again: on a terminal in place, elsewhere one table or document after the other."""

from typing import Any

import pytest

from exoctl import screen
from exoctl.printer import Printer

HEAD = ("NAME", "COUNT")
ROW = {"name": "hello", "count": 7}


def cells(row: screen.Row) -> tuple[object, ...]:
    return (row["name"], row["count"])


def test_without_an_interval_there_is_one_look(capsys: pytest.CaptureFixture[str]) -> None:
    screen.looks(Printer(json_mode=False), "rows", HEAD, lambda: [ROW], cells, interval=None)
    assert [line.split() for line in capsys.readouterr().out.splitlines()] == [["NAME", "COUNT"], ["hello", "7"]]


def test_a_terminal_is_taken_over_and_given_back(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "200")
    with screen.screen(Printer(json_mode=False), "rows", HEAD, cells, live=True) as show:
        show([ROW])
    out = capsys.readouterr().out
    assert out.index("\x1b[?1049h") < out.index("hello") < out.index("\x1b[?1049l")
