"""`job list`: what exod did and does, newest last."""

import click

from exoctl import times
from exoctl.objects import JOB, managed
from exoctl.session import Session
from exoctl.verb import verb

_HEAD = ("JOB", "KIND", "PLUGIN", "STATE", "PROGRESS", "SINCE", "STEP")


@verb(example="exoctl job list --active")
@click.option("--active", is_flag=True, help="Only those that are not over.")
def command(session: Session, *, active: bool) -> None:
    """Lists the jobs of the last 30 days."""
    jobs = sorted(managed(session.bus, JOB).values(), key=lambda job: job["id"])
    if active:
        jobs = [job for job in jobs if job["state"] in ("queued", "running", "undoing")]
    if session.json_mode:
        session.printer.document(jobs)
    elif jobs:
        rows = [
            (
                job["id"],
                job["kind"],
                job["plugin_name"],
                job["state"],
                f"{job['progress']} %",
                times.shown(job["created_at"]),
                job["step"],
            )
            for job in jobs
        ]
        session.printer.table(_HEAD, rows)
    else:
        session.printer.line("no jobs")
