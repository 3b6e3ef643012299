"""`plugin resume NAME`: from suspended to running."""

import click

from exoctl.lifecycle import change
from exoctl.session import Session
from exoctl.verb import verb


@verb(example="exoctl plugin resume hello", job=True)
@click.argument("name")
def command(session: Session, *, name: str) -> None:
    """Thaws the suspended plugin NAME."""
    change(session, name, verb="resume")
