"""`plugin logs NAME`: what it wrote, cleaned."""

import re
from typing import Any

import click

from exoctl import times
from exoctl.objects import plugin
from exoctl.session import Session
from exoctl.verb import verb

_STAMPED = re.compile(r"(\d{1,10}\.\d{3}) (\d+) (?:<([0-7])>)?(.*)")
_PRIORITIES = ("emergency", "alert", "critical", "error", "warning", "notice", "info", "debug")
"""syslog's, by number."""


@verb(example="exoctl plugin logs hello --lines 20")
@click.argument("name")
@click.option("--lines", type=click.IntRange(1, 100_000), default=100, show_default=True, help="How many, newest last.")
def command(session: Session, *, name: str, lines: int) -> None:
    """Shows the newest lines that plugin NAME wrote."""
    (log,) = plugin(session.bus, name, "GetLogs", "u", lines, verb="show the log of")
    if session.json_mode:
        session.printer.document([_parsed(line) for line in log])
        return
    for line in log:
        session.printer.line(_readable(_parsed(line)))


def _parsed(line: str) -> dict[str, Any]:
    """`1795233541.235 7 <4>text` → its time in seconds, instance and level; of any other line only the text is known.

    level: a priority of syslog's in words; `output` for what was printed without one.
    """
    parts = _STAMPED.fullmatch(line)
    if parts is None:
        return {"time": None, "instance": None, "level": "output", "text": line}
    seconds, instance, priority, text = parts.groups()
    level = _PRIORITIES[int(priority)] if priority else "output"
    return {"time": float(seconds), "instance": int(instance), "level": level, "text": text}


def _readable(line: dict[str, Any]) -> str:
    if line["time"] is None:
        return str(line["text"])
    return f"{times.shown(int(line['time']))} instance {line['instance']} {line['level']}: {line['text']}"
