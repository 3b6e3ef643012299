"""`plugin suspend NAME`: from running to suspended."""

import click

from exoctl.lifecycle import change
from exoctl.session import Session
from exoctl.verb import verb


@verb(example="exoctl plugin suspend hello", job=True)
@click.argument("name")
def command(session: Session, *, name: str) -> None:
    """Freezes plugin NAME: it keeps its memory and uses no CPU."""
    change(session, name, verb="suspend")
