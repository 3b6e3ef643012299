"""`plugin unload NAME`: from loaded, running or suspended to unloaded."""

import click

from exoctl.lifecycle import change
from exoctl.session import Session
from exoctl.verb import verb


@verb(example="exoctl plugin unload hello", job=True)
@click.argument("name")
def command(session: Session, *, name: str) -> None:
    """Ends plugin NAME's process; its package stays installed."""
    change(session, name, verb="unload")
