"""Whatever strangers put into a name, the log stays one printable line a record."""

import logging
import os
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from exod import logs


@pytest.fixture(autouse=True)
def untouched_root() -> Iterator[None]:
    """The suite's own handlers come back."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    for handler in root.handlers:
        if handler not in handlers:
            handler.close()
    root.handlers[:] = handlers
    root.setLevel(level)


def record(message: str, *arguments: object, error: BaseException | None = None, **extra: object) -> logging.LogRecord:
    raised = (type(error), error, error.__traceback__) if error else None
    made = logging.LogRecord("exod", logging.WARNING, __file__, 1, message, arguments, raised)
    made.__dict__.update(extra)
    return made


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text", "plain text"),
        ("naïve ☃", "naïve ☃"),
        ("a\nb", "a\\x0ab"),
        ("a\x1b[31mb", "a\\x1b[31mb"),
        ("a\u202eb", "a\\u202eb"),
        ("a\u2028b", "a\\u2028b"),
        ("a\x9bb", "a\\x9bb"),
        ("a\ud800b", "a\\ud800b"),
        ("a\x00b", "a\\x00b"),
    ],
)
def test_nothing_that_steers_a_terminal_or_a_line_gets_through(text: str, shown: str) -> None:
    assert logs.printable(text) == shown


def test_a_line_says_when_how_bad_and_what_about() -> None:
    line = logs.LineFormatter().format(record("it %s", "broke", plugin="echo", job=7))
    assert line.split(" ", 1)[1] == "warning exod plugin=echo job=7 it broke"


def test_an_exception_stays_on_its_line() -> None:
    try:
        raise ValueError("two\nlines")
    except ValueError as error:
        line = logs.LineFormatter().format(record("failed", error=error))
    assert "\n" not in line
    assert "ValueError: two | lines" in line


def test_the_journal_is_told_the_fields_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[tuple[str, dict[str, Any]]] = []
    handler = logs.JournalHandler()
    monkeypatch.setattr(handler, "_send", lambda text, **fields: sent.append((text, fields)))
    handler.emit(record("it\nbroke", plugin="echo\x1b", instance=3))
    assert sent == [
        (
            "it\\x0abroke",
            {
                "PRIORITY": "4",
                "SYSLOG_IDENTIFIER": "exod",
                "LOGGER": "exod",
                "EXOD_PLUGIN": "echo\\x1b",
                "EXOD_INSTANCE": "3",
            },
        )
    ]


def test_a_journal_that_is_gone_does_not_end_the_daemon(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def gone(*_: object, **__: object) -> None:
        raise OSError("no journal")

    handler = logs.JournalHandler()
    monkeypatch.setattr(handler, "_send", gone)
    handler.emit(record("anything"))
    assert "no journal" in capsys.readouterr().err


def test_without_a_journal_the_log_is_a_file_that_rotates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JOURNAL_STREAM", raising=False)
    logs.begin(tmp_path, size=4096, verbose=False)
    for number in range(200):
        logging.getLogger("exod").info("line %s %s", number, "x" * 40)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["exod.log", "exod.log.1", "exod.log.2", "exod.log.3"]
    assert all(path.stat().st_size <= 4096 for path in tmp_path.iterdir())


def test_debug_is_only_for_who_asks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JOURNAL_STREAM", raising=False)
    for verbose in (False, True):
        logs.begin(tmp_path, size=4096, verbose=verbose)
        logging.getLogger("exod").debug("detail")
    assert (tmp_path / "exod.log").read_text().count("detail") == 1


@pytest.mark.parametrize(("stream", "journal"), [("", False), ("1:2", False), ("own", True)])
def test_the_journal_is_recognised_as_systemd_says(stream: str, journal: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    own = os.fstat(2)
    monkeypatch.setenv("JOURNAL_STREAM", f"{own.st_dev}:{own.st_ino}" if stream == "own" else stream)
    logs.begin(Path("/nonexistent"), size=1, verbose=False) if journal else None
    assert logs._under_journal() is journal


def test_a_closed_stderr_is_no_journal(monkeypatch: pytest.MonkeyPatch) -> None:
    def closed(_: int) -> os.stat_result:
        raise OSError

    monkeypatch.setattr(logs, "os", SimpleNamespace(environ=os.environ, fstat=closed))
    assert not logs._under_journal()
