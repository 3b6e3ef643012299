"""`top`: what every instance uses of what it may, again and again.

One question to exod for all of them; what each may use is asked once.
"""

from collections.abc import Mapping

import click

from exoctl.objects import each, manager
from exoctl.screen import Row, looks
from exoctl.session import Session
from exoctl.verb import verb
from exod.names import instance_path

_FIELDS = ("instance", "plugin", "state", "restarts", "memory", "cpu", "tasks", "files", "io", "storage", "ran")
"""Of a row of ListUsage, in order."""
_HEAD = ("PLUGIN", "INSTANCE", "STATE", "CPU %", "MEMORY MIB", "TASKS", "FILES", "IO MIB/S", "STORAGE MIB", "RESTARTS")
_MIB = 1 << 20


@verb(example="exoctl top --once")
@click.option("--once", is_flag=True, help="One look, and end.")
@click.option("--interval", type=click.FloatRange(min=0.1), default=1.0, show_default=True, metavar="SECONDS")
def command(session: Session, *, once: bool, interval: float) -> None:
    """Shows what every running plugin uses beside what it may use, busiest first, until it is interrupted."""
    limits: dict[int, Mapping[str, float]] = {}
    looks(
        session.printer, "instances", _HEAD, lambda: _look(session, limits), _cells, interval=None if once else interval
    )


def _look(session: Session, limits: dict[int, Mapping[str, float]]) -> list[Row]:
    """`limits` is kept between looks: an instance's never change."""
    (answer,) = manager(session.bus, "ListUsage")
    rows = [dict(zip(_FIELDS, row, strict=False)) for row in answer]
    fresh = {instance_path(row["instance"]): row["instance"] for row in rows if row["instance"] not in limits}
    limits |= {fresh[path]: found for path, found in each(session.bus, fresh, "Limits").items()}
    for gone in limits.keys() - {row["instance"] for row in rows}:
        del limits[gone]
    rows = [row | {"limits": limits[row["instance"]]} for row in rows if row["instance"] in limits]
    return sorted(rows, key=lambda row: (-row["cpu"], -row["memory"], row["plugin"]))


def _cells(row: Row) -> tuple[object, ...]:
    most = row["limits"]
    return (
        row["plugin"],
        row["instance"],
        row["state"],
        f"{row['cpu']:.1f}/{most['cpu']:.0f}",
        f"{row['memory'] / _MIB:.1f}/{most['memory'] / _MIB:g}",
        f"{row['tasks']}/{most['tasks']:.0f}",
        f"{row['files']}/{most['files']:.0f}",
        f"{row['io'] / _MIB:.1f}/{most['io'] / _MIB:g}",
        f"{row['storage'] / _MIB:.1f}/{most['storage'] / _MIB:g}",
        row["restarts"],
    )
