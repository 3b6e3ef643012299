"""`daemon reexec`: the installed program takes the place of the one that runs; no plugin notices."""

import click

from exoctl import objects
from exoctl.session import Session
from exoctl.verb import verb


@verb(example="exoctl daemon reexec", writes=True)
@click.option("--keeper", is_flag=True, help="The keeper, the parent of all plugins, instead of exod itself.")
def command(session: Session, *, keeper: bool) -> None:
    """Replaces exod by the program that is installed now, in the same process; plugins go on running.

    exod is off the bus for a moment, in which calls wait or fail with a named error.
    """
    part = "keeper" if keeper else "exod"
    if session.dry_run:
        session.plan([f"replace the program of {part}, and leave every plugin running"])
        return
    objects.manager(session.bus, "Reexecute", "s", part)
    if session.json_mode:
        session.printer.document({"reexecuted": part})
    else:
        session.printer.line(f"{part} runs anew; plugins go on running")
