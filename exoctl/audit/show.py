"""`audit show`: the newest records."""

import click

from exoctl.auditlog import Copy, Live, newest
from exoctl.auditrows import HEAD, cells
from exoctl.session import Session
from exoctl.verb import verb


@verb(example="exoctl audit show --lines 20 --event refused")
@click.argument("directory", required=False)
@click.option("--lines", type=click.IntRange(1, 100_000), default=50, show_default=True, help="How many, newest last.")
@click.option("--event", metavar="EVENT", help="Only these, such as refused.")
@click.option("--plugin", metavar="NAME", help="Only those about this plugin.")
def command(session: Session, *, directory: str | None, lines: int, event: str | None, plugin: str | None) -> None:
    """Shows the newest records of the audit log: the daemon's, or a copy of it in DIRECTORY."""
    log = Copy(directory) if directory else Live(session.bus)
    rows = newest(log, lines, event=event, plugin=plugin)
    if session.json_mode:
        session.printer.document(rows)
    elif rows:
        session.printer.table(HEAD, [cells(row) for row in rows])
    else:
        session.printer.line("no records")
