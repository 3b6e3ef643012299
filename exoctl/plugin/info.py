"""`plugin info NAME`: the twelve fields of its descriptor, and why it is in error."""

from collections.abc import Iterator, Mapping
from typing import Any

import click

from exoctl import reach, times
from exoctl.objects import PLUGIN, plain, plugin
from exoctl.printer import dumps, error_fields
from exoctl.rating import rate
from exoctl.session import Session
from exoctl.verb import verb
from exod.errors import Refusal
from exod.names import plugin_path

_TIMES = ("load_time", "last_activity")


@verb(example="exoctl plugin info hello")
@click.argument("name")
def command(session: Session, *, name: str) -> None:
    """Shows what plugin NAME is, what it may reach, and how it is."""
    (values,) = plugin(session.bus, name, "GetInfo", verb="show")
    info = _judged(plain(values))
    more = session.bus.properties(plugin_path(name), PLUGIN)
    fault = Refusal.from_fields(more["Fault"]) if more["Fault"] else None
    if session.json_mode:
        reason = None if fault is None else error_fields(fault)
        session.printer.document(info | {"state_name": more["StateName"], "fault": reason})
        return
    moments = {key: times.shown(info[key]) if info.get(key) else "never" for key in _TIMES}
    session.printer.pairs(dict(_flat(info | {"state": f"{more['StateName']} ({info['state']})"} | moments)))
    if fault is not None:
        session.printer.line(f"fault: {fault.sentence}")
        if fault.hint:
            session.printer.line(f"next: {fault.hint}")


def _judged(info: dict[str, Any]) -> dict[str, Any]:
    """With what it reaches in plain words, and how much that is. What cannot be read says nothing of itself."""
    context = info.get("security_context", {})
    if "capabilities" not in context:
        return info
    held = context["capabilities"]
    return info | {"reach": reach.held(held), "rating": rate(held, context["acl"]).fields()}


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, object]]:
    for name, value in values.items():
        if isinstance(value, dict) and value:
            yield from _flat(value, f"{prefix}{name}.")
        elif isinstance(value, list):
            yield prefix + name, ", ".join(item if isinstance(item, str) else dumps(item) for item in value) or "none"
        else:
            yield prefix + name, {True: "yes", False: "no"}[value] if isinstance(value, bool) else value
