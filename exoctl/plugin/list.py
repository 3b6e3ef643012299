"""`plugin list`: every installed plugin, and what it costs."""

from typing import Any

import click

from exoctl.objects import PLUGIN, each, managed
from exoctl.session import Session
from exoctl.verb import verb
from exod.names import PLUGIN_TYPES

_HEAD = ("NAME", "VERSION", "STATE", "PID", "MEMORY", "SIGNER", "TRUST", "TYPE")
_STATES = ("unloaded", "loading", "loaded", "running", "suspended", "error", "unloading")


@verb(example="exoctl plugin list --type custom")
@click.option("--type", "kind", type=click.Choice(PLUGIN_TYPES), metavar="TYPE", help="Only plugins of this type.")
@click.option("--state", type=click.Choice(_STATES), metavar="STATE", help="Only plugins in this state, as running.")
def command(session: Session, *, kind: str | None, state: str | None) -> None:
    """Lists the installed plugins."""
    plugins = [plugin for _, plugin in sorted(managed(session.bus, PLUGIN).items())]
    memory = each(session.bus, [plugin["instance"] for plugin in plugins], "Memory")
    rows = [plugin | {"memory": memory.get(plugin["instance"], 0)} for plugin in plugins]
    rows = [row for row in rows if kind in (None, row["type"]) and state in (None, row["state_name"])]
    if session.json_mode:
        session.printer.document(rows)
    elif rows:
        session.printer.table(_HEAD, [_cells(row) for row in rows])
    else:
        session.printer.line("no plugins; load one with: exoctl plugin load FILE")


def _cells(row: dict[str, Any]) -> tuple[object, ...]:
    memory = f"{row['memory'] / 1048576:.1f} MiB" if row["memory"] else "-"
    signer = row["signer"][:12] or "-"
    pid = row["process_id"] or "-"
    return (row["name"], row["version"], row["state_name"], pid, memory, signer, row["trust_level"], row["type"])
