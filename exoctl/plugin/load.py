"""`plugin load FILE|NAME`: a signed package, or an installed plugin, to a running one."""

import click

from exoctl.codec import Variant
from exoctl.lifecycle import change, flags
from exoctl.session import Session
from exoctl.upload import send
from exoctl.verb import verb
from exod.names import is_name


@verb(example="exoctl plugin load hello_1.0.0.exopkg", job=True)
@click.argument("what", metavar="FILE|NAME")
@click.option("--no-start", is_flag=True, help="End in `loaded`: the process is there, start was not called.")
@click.option("--no-enable", is_flag=True, help="Do not bring it back when the daemon starts again.")
@click.option("--downgrade", is_flag=True, help="Accept a version older than was ever installed.")
@click.option("--consent", is_flag=True, help="Accept a new owner, or wider permissions than before.")
@click.option("--version", metavar="VERSION", help="Which installed version of NAME.")
def command(
    session: Session, *, what: str, no_start: bool, no_enable: bool, downgrade: bool, consent: bool, version: str | None
) -> None:
    """Loads a package FILE, or the installed plugin NAME, and starts it."""
    start = flags(start=not no_start)
    if is_name(what):
        change(session, what, verb="load", options=start | flags(version=version))
        return
    enable = {"enable": Variant("b", False)} if no_enable else {}
    send(session, what, verb="load", options=start | enable | flags(downgrade=downgrade, consent=consent))
