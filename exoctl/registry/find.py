"""`registry find [NAME]`: an installed plugin by name, or all of a type."""

from typing import Any

import click

from exoctl import objects
from exoctl.faults import usage
from exoctl.session import Session
from exoctl.verb import verb
from exod.errors import Outcome, Refused
from exod.names import PLUGIN_TYPES

_HEAD = ("NAME", "VERSION", "INSTALLED", "STATE", "TYPE", "SUMMARY")


@verb(example="exoctl registry find --type custom")
@click.argument("name", required=False)
@click.option("--type", "kind", type=click.Choice(PLUGIN_TYPES), help="All plugins of this type.")
def command(session: Session, *, name: str | None, kind: str | None) -> None:
    """Finds the installed plugin NAME, or all plugins of a type."""
    if (name is None) == (kind is None):
        raise Refused(usage("cannot find plugins: say a name or a type", "exoctl registry find --help"))
    found = [_named(session, name)] if name is not None else _typed(session, str(kind))
    rows = [objects.properties(session.bus.properties(path, objects.PLUGIN)) for path in found]
    if session.json_mode:
        session.printer.document(rows[0] if name is not None else rows)
    elif rows:
        session.printer.table(_HEAD, [_cells(row) for row in rows])
    else:
        session.printer.line(f"no plugin of type {kind} is installed")


def _named(session: Session, name: str) -> str:
    objects.require_name(name, verb="find")
    try:
        (path,) = objects.manager(session.bus, "Find", "s", name)
    except Refused as error:
        if error.refusal.outcome is Outcome.NOT_FOUND:
            raise Refused(objects.no_such_plugin(name, verb="find")) from error
        raise
    return str(path)


def _typed(session: Session, kind: str) -> list[str]:
    (paths,) = objects.manager(session.bus, "ListByType", "s", kind)
    return [str(path) for path in paths]


def _cells(row: dict[str, Any]) -> tuple[object, ...]:
    versions = ", ".join(row["versions"])
    return (row["name"], row["version"], versions, row["state_name"], row["type"], row["summary"])
