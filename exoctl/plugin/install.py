"""`plugin install FILE`: into the store, nothing started."""

import click

from exoctl.lifecycle import flags
from exoctl.session import Session
from exoctl.upload import send
from exoctl.verb import verb


@verb(example="exoctl plugin install hello_1.0.0.exopkg", job=True)
@click.argument("file")
@click.option("--downgrade", is_flag=True, help="Accept a version older than was ever installed.")
@click.option("--consent", is_flag=True, help="Accept a new owner, or wider permissions than before.")
def command(session: Session, *, file: str, downgrade: bool, consent: bool) -> None:
    """Stores the package FILE and pins its owner; starts nothing."""
    send(session, file, verb="install", options=flags(downgrade=downgrade, consent=consent))
