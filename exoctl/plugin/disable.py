"""`plugin disable NAME`: no longer restored."""

import click

from exoctl.lifecycle import change
from exoctl.session import Session
from exoctl.verb import verb


@verb(example="exoctl plugin disable hello", job=True)
@click.argument("name")
def command(session: Session, *, name: str) -> None:
    """Leaves plugin NAME unloaded when the daemon starts again."""
    change(session, name, verb="disable")
