"""`job watch N`: stays with a job to its end; its refusal is ours."""

import click

from exoctl.jobs import follow, listen
from exoctl.session import Session
from exoctl.verb import verb
from exod.names import job_path


@verb(example="exoctl job watch 7", waits=True)
@click.argument("number", metavar="N", type=click.IntRange(1))
def command(session: Session, *, number: int) -> None:
    """Watches job N until it is over, and ends as it ended."""
    listen(session.bus)
    follow(session, job_path(number))
