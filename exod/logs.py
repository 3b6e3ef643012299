"""The daemon's own log: to the journal under systemd, else to a rotating file, with fields that say what it is about.

A record's `extra` may carry plugin, version, instance and job. Whatever reaches a terminal or a file has its control
and direction characters escaped first: names, errors and manifests come from strangers.
"""

import logging
import os
import unicodedata
from logging.handlers import RotatingFileHandler
from pathlib import Path

FIELDS = ("plugin", "version", "instance", "job")
_PRIORITIES = ((logging.CRITICAL, 2), (logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6), (0, 7))


def printable(text: str) -> str:
    """`text` with every control, format, surrogate and separator character but the space as `\\xNN` or `\\uNNNN`."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(c if unicodedata.category(c)[0] not in "CZ" or c == " " else _escape(c) for c in text)


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode() if ord(character) > 31 else f"\\x{ord(character):02x}"


def _text(record: logging.LogRecord) -> str:
    """The message, and what was raised, on one line: else a stranger's name could begin a record of its own."""
    text = record.getMessage()
    if record.exc_info:
        text += " | " + logging.Formatter().formatException(record.exc_info).replace("\n", " | ")
    return text


class LineFormatter(logging.Formatter):
    """`time level logger [plugin=… job=…] message`, one printable line a record."""

    def format(self, record: logging.LogRecord) -> str:
        about = " ".join(f"{name}={getattr(record, name)}" for name in FIELDS if getattr(record, name, "") != "")
        stamp = self.formatTime(record, "%Y-%m-%dT%H:%M:%S")
        parts = (stamp, record.levelname.lower(), record.name, about, _text(record))
        return printable(" ".join(part for part in parts if part))


class JournalHandler(logging.Handler):
    """Structured records; the library's own handler sends Python's lower-case attributes, which the journal drops."""

    def __init__(self) -> None:
        super().__init__()
        from systemd import journal  # 4 ms, and only under systemd

        self._send = journal.send

    def emit(self, record: logging.LogRecord) -> None:
        about = {f"EXOD_{name.upper()}": getattr(record, name) for name in FIELDS if hasattr(record, name)}
        fields = {name: printable(str(value)) for name, value in about.items()}
        priority = next(number for level, number in _PRIORITIES if record.levelno >= level)
        try:
            # journalctl hides what has control characters, and obeys those that turn the direction of writing.
            text = printable(_text(record))
            self._send(text, PRIORITY=str(priority), SYSLOG_IDENTIFIER="exod", LOGGER=record.name, **fields)
        except Exception:  # as every handler of the library: who logs is not to die of it
            self.handleError(record)


def _under_journal() -> bool:
    """Whether stderr is the journal's own stream, as systemd.exec(5) says to find out."""
    device, _, inode = os.environ.get("JOURNAL_STREAM", "").partition(":")
    try:
        found = os.fstat(2)
    except OSError:
        return False
    return device == str(found.st_dev) and inode == str(found.st_ino)


def begin(directory: Path, *, size: int, verbose: bool) -> None:
    """Routes the root logger to where this process's log belongs."""
    handler: logging.Handler
    if _under_journal():
        handler = JournalHandler()
    else:
        handler = RotatingFileHandler(directory / "exod.log", maxBytes=size, backupCount=3, encoding="utf-8")
        handler.setFormatter(LineFormatter())
    logging.basicConfig(level=logging.DEBUG if verbose else logging.INFO, handlers=[handler], force=True)
    logging.getLogger("asyncio").setLevel(logging.WARNING)
