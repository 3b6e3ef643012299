"""`registry check NAME`: whether what a plugin depends on is there; with --capability, whether it may do one thing."""

import click

from exoctl import objects
from exoctl.session import Session
from exoctl.verb import verb
from exod.errors import Refusal, Refused

_HEAD = ("DEPENDENCY", "WANTED", "STATUS", "FOUND")
_BROKEN = ("missing", "conflict")


@verb(example="exoctl registry check hello")
@click.argument("name")
@click.option("--capability", metavar="CAPABILITY", help="Whether NAME holds this one, and why, instead.")
def command(session: Session, *, name: str, capability: str | None) -> None:
    """Checks the dependencies of plugin NAME; ends with 3 if one is missing or in conflict."""
    objects.require_name(name, verb="check")
    if capability is not None:
        _capability(session, name, capability)
        return
    (found,) = objects.manager(session.bus, "CheckDependencies", "s", name)
    rows = [dict(zip(("name", "range", "status", "found"), row, strict=True)) for row in found]
    if session.json_mode:
        session.printer.document(rows)
    elif rows:
        cells = [(row["name"], row["range"] or "any", row["status"], row["found"] or "-") for row in rows]
        session.printer.table(_HEAD, cells)
    else:
        session.printer.line(f"{name} depends on nothing")
    broken = [row["name"] for row in rows if row["status"] in _BROKEN]
    if broken:
        sentence = f"cannot satisfy {name}: {', '.join(broken)} missing or in conflict"
        raise Refused(Refusal("unsatisfied-dependency", sentence, f"exoctl plugin install {broken[0]}_VERSION.exopkg"))


def _capability(session: Session, name: str, capability: str) -> None:
    allowed, reason = objects.manager(session.bus, "CheckCapability", "ss", name, capability)
    if not allowed:
        if not session.json_mode:
            session.printer.line(f"no: {reason}")
        sentence = f"cannot use {capability} in {name}: {reason}"
        evidence = {"plugin": name, "capability": capability, "reason": reason}
        raise Refused(Refusal("capability-not-held", sentence, f"exoctl plugin info {name}", evidence))
    if session.json_mode:
        session.printer.document({"plugin": name, "capability": capability, "allowed": True, "reason": reason})
    else:
        session.printer.line(f"yes: {reason}")
