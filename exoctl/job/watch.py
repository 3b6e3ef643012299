"""`job watch N`: stays with a job to its end; its refusal is ours."""

import click

from exoctl.jobs import follow, listen
from exoctl.session import Session
from exoctl.verb import verb
from exod.names import job_path


@verb(example="exoctl job watch 7")
@click.argument("number", metavar="N", type=click.IntRange(1))
@click.option("--timeout", type=click.FloatRange(min=0), metavar="SECONDS", help="Stop watching after that long.")
def command(session: Session, *, number: int, timeout: float | None) -> None:
    """Watches job N until it is over, and ends as it ended."""
    session.timeout = timeout
    listen(session.bus)
    follow(session, job_path(number))
