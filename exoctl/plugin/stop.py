"""`plugin stop NAME`: from running to loaded."""

import click

from exoctl.lifecycle import change
from exoctl.session import Session
from exoctl.verb import verb


@verb(example="exoctl plugin stop hello", job=True)
@click.argument("name")
def command(session: Session, *, name: str) -> None:
    """Stops plugin NAME; its process stays loaded."""
    change(session, name, verb="stop")
