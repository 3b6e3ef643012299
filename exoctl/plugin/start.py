"""`plugin start NAME`: from loaded to running."""

import click

from exoctl.lifecycle import change
from exoctl.session import Session
from exoctl.verb import verb


@verb(example="exoctl plugin start hello", job=True)
@click.argument("name")
def command(session: Session, *, name: str) -> None:
    """Starts the loaded plugin NAME."""
    change(session, name, verb="start")
