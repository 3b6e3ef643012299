"""`link list`: every link between two plugins, and what went over it."""

import click

from exoctl.links import Row, rows, time_of
from exoctl.session import Session
from exoctl.verb import verb

_HEAD = ("FROM", "TO", "PRIORITY", "SLOTS", "MESSAGES", "KIB", "DEPTH", "DROPPED", "P50", "P99")


@verb(example="exoctl link list --plugin hostpulse")
@click.option("--plugin", metavar="NAME", help="Only links that begin or end there.")
def command(session: Session, *, plugin: str | None) -> None:
    """Lists the links between plugins: messages and bytes that were sent, slots that are not read yet, what was dropped
    at either end, and how long a message was on its way.
    """
    found = [row for row in rows(session) if plugin in (None, row["from"], row["to"])]
    if session.json_mode:
        session.printer.document(found)
    elif found:
        session.printer.table(_HEAD, [_cells(row) for row in found])
    else:
        session.printer.line("no links; plugins that name each other in `ipc` make them with their first message")


def _cells(row: Row) -> tuple[object, ...]:
    sent = (row["messages"], f"{row['bytes'] / 1024:.1f}", row["depth"], row["drops"] + row["dropped"])
    return (row["from"], row["to"], row["priority"], row["slots"], *sent, time_of(row, "p50"), time_of(row, "p99"))
