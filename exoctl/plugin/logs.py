"""`plugin logs NAME`: what it wrote, cleaned."""

import click

from exoctl.objects import plugin
from exoctl.session import Session
from exoctl.verb import verb


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
        session.printer.line(line)
