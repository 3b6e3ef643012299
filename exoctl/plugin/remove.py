"""`plugin remove NAME`: out of the store."""

import click

from exoctl import objects
from exoctl.jobs import submit
from exoctl.lifecycle import flags, plan
from exoctl.session import Session
from exoctl.verb import verb


@verb(example="exoctl plugin remove hello --purge", job=True)
@click.argument("name")
@click.option("--purge", is_flag=True, help="Its data too.")
def command(session: Session, *, name: str, purge: bool) -> None:
    """Unloads plugin NAME and removes its packages."""
    objects.require_name(name, verb="remove")
    options = flags(purge=purge)
    if session.dry_run:
        session.plan(plan(session, name, verb="remove", options=options))
        return
    submit(session, lambda bus: str(objects.manager(bus, "Remove", "sa{sv}", name, options)[0]))
