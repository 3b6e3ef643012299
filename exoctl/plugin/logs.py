"""`plugin logs NAME`: what it wrote, cleaned."""

import re
from datetime import UTC, datetime

import click

from exoctl.objects import plugin
from exoctl.session import Session
from exoctl.verb import verb

_STAMPED = re.compile(r"(\d{1,10})\.\d{3} (\d+) (?:<([0-7])>)?(.*)")
_PRIORITIES = ("emergency", "alert", "critical", "error", "warning", "notice", "info", "debug")
"""syslog's, by number."""


@verb(example="exoctl plugin logs hello --lines 20")
@click.argument("name")
@click.option("--lines", type=click.IntRange(1, 100_000), default=100, show_default=True, help="How many, newest last.")
def command(session: Session, *, name: str, lines: int) -> None:
    """Shows the newest lines that plugin NAME wrote."""
    (log,) = plugin(session.bus, name, "GetLogs", "u", lines, verb="show the log of")
    if session.json_mode:
        session.printer.document(log)
        return
    for line in log:
        session.printer.line(_readable(line))


def _readable(line: str) -> str:
    """`1795233541.235 7 <4>text` → its time, instance and priority in words; any other line as it is."""
    parts = _STAMPED.fullmatch(line)
    if parts is None:
        return line
    seconds, instance, priority, text = parts.groups()
    when = datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    return f"{when} instance {instance} {_PRIORITIES[int(priority)] if priority else 'output'}: {text}"
