"""`audit follow`: records as they are written."""

import time

import click

from exoctl.auditlog import Live, lines, record, wanted
from exoctl.auditrows import cells
from exoctl.session import Session
from exoctl.verb import verb

_PAUSE = 0.5


@verb(example="exoctl audit follow --event refused", waits=True)
@click.option("--event", metavar="EVENT", help="Only these, such as refused.")
@click.option("--plugin", metavar="NAME", help="Only those about this plugin.")
def command(session: Session, *, event: str | None, plugin: str | None) -> None:
    """Shows what is recorded from now on, until it is interrupted or the time is up."""
    until = None if session.timeout is None else time.monotonic() + session.timeout
    log = Live(session.bus)
    seen = dict(log.sizes)
    while until is None or time.monotonic() < until:
        time.sleep(_PAUSE)
        log.refresh()
        for name in log.sizes:
            for line in lines(log, name, start=seen.setdefault(name, 0)):
                if not line.endswith(b"\n"):
                    break  # the rest of it comes with the next look
                seen[name] += len(line)
                if wanted(row := record(line), event=event, plugin=plugin):
                    _show(session, row)


def _show(session: Session, row: dict[str, object]) -> None:
    if session.json_mode:
        session.printer.document(row)
    else:
        session.printer.line("  ".join(cells(row)))
