"""`exoctl doctor`: what this host lacks, what that costs, and one thing at a time repaired."""

import os

import click

from exoctl import bundle, examination, objects
from exoctl.examination import Row
from exoctl.faults import failed, usage
from exoctl.session import Session
from exoctl.verb import verb
from exod.errors import Outcome, Refused

_HEAD = ("CHECK", "VERDICT", "FOUND")
_BAD = ("wrong", "unknown")


@verb(example="exoctl doctor --fix kptr-restrict", writes=True)
@click.option("--fix", "id_", metavar="ID", help="Repair the one thing that check ID found; asks first.")
@click.option("--yes", is_flag=True, help="Repair without asking.")
@click.option("--bundle", "bundle_", metavar="FILE", help="Write a report for a bug to FILE (.tar.gz), and list it.")
@click.option("--all", "every", is_flag=True, help="Also show what is well.")
def command(session: Session, *, id_: str | None, yes: bool, bundle_: str | None, every: bool) -> None:
    """Tries all that exod rests on, and says what is lacking and what that costs.

    As root it looks at the host itself and needs no daemon. Ends with 1 if something is wrong or could not be found
    out; warnings do not count.
    """
    if id_ is not None and bundle_ is not None:
        raise Refused(usage("cannot repair and report at once: say --fix or --bundle", "exoctl doctor --help"))
    if id_ is not None:
        _fix(session, id_, yes=yes)
    elif bundle_ is not None:
        _report(session, bundle_)
    elif session.dry_run:
        session.plan(["look at everything; change nothing"])
    else:
        _judge(session, examination.findings(session), every=every)


def _judge(session: Session, rows: list[Row], *, every: bool) -> None:
    if session.json_mode:
        session.printer.document(rows)
    else:
        _show(session, rows, every=every)
    if bad := [row["id"] for row in rows if row["level"] in _BAD]:
        raise Refused(failed("host-unwell", f"cannot call this host well: {', '.join(bad)}", _next(rows)))


def _show(session: Session, rows: list[Row], *, every: bool) -> None:
    shown = [row for row in rows if every or row["level"] != "ok"]
    if shown:
        session.printer.table(_HEAD, [(row["id"], row["level"], row["what"]) for row in shown])
    for row in shown:
        if row["level"] != "ok":
            session.printer.line()
            session.printer.line(f"{row['id']}: {row['cost']}")
            session.printer.line(f"  {row['why']}")
            if row["repair"]:
                session.printer.line(f"  exoctl doctor --fix {row['id']}")
    well = sum(row["level"] == "ok" for row in rows)
    session.printer.line(f"{well} of {len(rows)} are well")


def _next(rows: list[Row]) -> str:
    return next((f"exoctl doctor --fix {row['id']}" for row in rows if row["level"] in _BAD and row["repair"]), "")


def _fix(session: Session, id_: str, *, yes: bool) -> None:
    if not examination.here():
        sentence = f"cannot repair {id_}: only root may change this host"
        raise Refused(failed("not-root", sentence, f"sudo exoctl doctor --fix {id_}"))
    steps = examination.look("plan", id_)[0]["steps"]
    if session.dry_run or not steps:
        session.plan(steps)
        return
    if not yes:
        _ask(session, id_, steps)
    recorded = ["recorded"] if _recorded(session, id_, steps) else []
    after = examination.look("repair", id_, *recorded)[-1]
    if session.json_mode:
        session.printer.document({"repaired": after["level"] == "ok", "steps": steps, "finding": after})
    else:
        session.printer.line(f"{id_}: {after['level']}: {after['what']}")
    if after["level"] in _BAD:
        raise Refused(failed("not-repaired", f"cannot call {id_} repaired: {after['what']}"))


def _ask(session: Session, id_: str, steps: list[str]) -> None:
    if not session.may_ask:
        raise Refused(usage(f"cannot repair {id_}: nobody is there to be asked", f"exoctl doctor --fix {id_} --yes"))
    session.plan(steps)
    if not click.confirm("Do this?", err=True):
        raise Refused(failed("declined", f"cannot repair {id_}: you said no"))


def _recorded(session: Session, id_: str, steps: list[str]) -> bool:
    """By the daemon, before anything is done; where none runs, the doctor's process writes the audit itself."""
    try:
        objects.manager(session.bus, "Repairing", "ss", id_, "; ".join(steps))
    except Refused as error:
        if error.refusal.outcome is not Outcome.UNREACHABLE:
            raise
        return False
    return True


def _report(session: Session, path: str) -> None:
    if session.dry_run:
        session.plan([f"write {path}, for you alone, with: {', '.join(bundle.PARTS)}"])
        return
    parts = bundle.write(session, path, examination.findings(session))
    if session.json_mode:
        session.printer.document({"bundle": os.path.abspath(path), "holds": parts})
        return
    session.printer.line(f"wrote {path}; look at it before you send it. It holds:")
    for name, words in parts.items():
        session.printer.line(f"  {name}: {words}")
