"""`job cancel N`: undoes what it did so far."""

import click

from exoctl.jobs import ENDED, follow, listen, read, refusal_of
from exoctl.objects import JOB
from exoctl.session import Session
from exoctl.verb import verb
from exod.errors import Refused
from exod.names import job_path


@verb(example="exoctl job cancel 7", job=True)
@click.argument("number", metavar="N", type=click.IntRange(1))
def command(session: Session, *, number: int) -> None:
    """Cancels job N; what it did is undone. Refused past its point of no return."""
    job = read(session.bus, number)
    if session.dry_run:
        over = job["state"] in ENDED
        session.plan([] if over else [f"cancel job {number}", f"undo its {job['steps_done']} steps in reverse"])
        return
    listen(session.bus)
    session.bus.call(job_path(number), JOB, "Cancel")
    try:
        if session.wait:
            follow(session, job_path(number))
    except Refused as error:
        last = read(session.bus, number)
        if last["state"] != "cancelled":
            raise
        if session.json_mode:
            session.printer.document({"job": number, "state": "cancelled", "refusal": refusal_of(last).sentence})
        else:
            session.printer.line(f"job {number} is cancelled: {error.refusal.sentence}")
