"""`plugin enable NAME`: restored at every start of the daemon."""

import click

from exoctl.lifecycle import change
from exoctl.session import Session
from exoctl.verb import verb


@verb(example="exoctl plugin enable hello", job=True)
@click.argument("name")
def command(session: Session, *, name: str) -> None:
    """Brings plugin NAME back whenever the daemon starts."""
    change(session, name, verb="enable")
