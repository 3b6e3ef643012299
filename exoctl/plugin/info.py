"""`plugin info NAME`: the twelve fields of its descriptor."""

from collections.abc import Iterator, Mapping
from typing import Any

import click

from exoctl.objects import plain, plugin
from exoctl.printer import dumps
from exoctl.session import Session
from exoctl.verb import verb


@verb(example="exoctl plugin info hello")
@click.argument("name")
def command(session: Session, *, name: str) -> None:
    """Shows what plugin NAME is, what it may reach, and how it is."""
    (values,) = plugin(session.bus, name, "GetInfo", verb="show")
    info = plain(values)
    if session.json_mode:
        session.printer.document(info)
    else:
        session.printer.pairs(dict(_flat(info)))


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, object]]:
    for name, value in values.items():
        if isinstance(value, dict) and value:
            yield from _flat(value, f"{prefix}{name}.")
        elif isinstance(value, list):
            yield prefix + name, ", ".join(item if isinstance(item, str) else dumps(item) for item in value) or "none"
        else:
            yield prefix + name, {True: "yes", False: "no"}[value] if isinstance(value, bool) else value
