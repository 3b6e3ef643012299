"""`top`: what every instance uses of what it may, again and again.

One question to exod for all of them; what each may use is asked once. rich holds the screen of a terminal; elsewhere
each look is a table of its own, or a line of JSON.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import click

from exoctl.objects import each, manager
from exoctl.printer import Printer
from exoctl.session import Session
from exoctl.verb import verb
from exod.names import instance_path

_FIELDS = ("instance", "plugin", "state", "restarts", "memory", "cpu", "tasks", "files", "io", "storage", "ran")
"""Of a row of ListUsage, in order."""
_HEAD = ("PLUGIN", "INSTANCE", "STATE", "CPU %", "MEMORY MIB", "TASKS", "FILES", "IO MIB/S", "STORAGE MIB", "RESTARTS")
_MIB = 1 << 20
Row = dict[str, Any]
Show = Callable[[Sequence[Row]], None]


@verb(example="exoctl top --once")
@click.option("--once", is_flag=True, help="One look, and end.")
@click.option("--interval", type=click.FloatRange(min=0.1), default=1.0, show_default=True, metavar="SECONDS")
def command(session: Session, *, once: bool, interval: float) -> None:
    """Shows what every running plugin uses beside what it may use, busiest first, until it is interrupted."""
    limits: dict[int, Mapping[str, float]] = {}
    with _screen(session.printer, live=session.printer.terminal and not once) as show:
        try:
            while True:
                began = time.monotonic()
                show(_look(session, limits))
                if once:
                    return
                time.sleep(max(0.0, began + interval - time.monotonic()))
        except KeyboardInterrupt:
            return


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


@contextmanager
def _screen(printer: Printer, *, live: bool) -> Iterator[Show]:
    if printer.json_mode:
        yield lambda rows: printer.document({"time": round(time.time(), 3), "instances": list(rows)})
    elif not live:
        yield lambda rows: printer.table(_HEAD, [_cells(row) for row in rows])
    else:
        with _alternate() as display:
            yield lambda rows: display(lambda most: printer.columns(_HEAD, [_cells(row) for row in rows[:most]]))


@contextmanager
def _alternate() -> Iterator[Callable[[Callable[[int], Iterable[str]]], None]]:
    """The terminal's second screen, so that the first is as it was afterwards. Lines are made when it is known how
    many there is room for below the first.
    """
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    console = Console()
    with Live(console=console, screen=True, auto_refresh=False, transient=True) as live:

        def display(lines: Callable[[int], Iterable[str]]) -> None:
            text = "\n".join(lines(console.height - 1))
            live.update(Text.from_ansi(text, no_wrap=True, overflow="crop"), refresh=True)

        yield display


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
