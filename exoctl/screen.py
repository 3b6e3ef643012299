"""Rows that are looked at again and again, until somebody interrupts: `top` and `link top`.

rich holds the screen of a terminal; elsewhere each look is a table of its own, or a line of JSON.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from exoctl.printer import Printer

Row = dict[str, Any]
Show = Callable[[Sequence[Row]], None]
Cells = Callable[[Row], tuple[object, ...]]


def looks(
    printer: Printer,
    name: str,
    head: Sequence[str],
    look: Callable[[], Sequence[Row]],
    cells: Cells,
    *,
    interval: float | None,
) -> None:
    """`name`: of the rows in JSON. `interval`: seconds from look to look; None for one look."""
    with screen(printer, name, head, cells, live=printer.terminal and interval is not None) as show:
        try:
            while True:
                began = time.monotonic()
                show(look())
                if interval is None:
                    return
                time.sleep(max(0.0, began + interval - time.monotonic()))
        except KeyboardInterrupt:
            return


@contextmanager
def screen(printer: Printer, name: str, head: Sequence[str], cells: Cells, *, live: bool) -> Iterator[Show]:
    if printer.json_mode:
        yield lambda rows: printer.document({"time": round(time.time(), 3), name: list(rows)})
    elif not live:
        yield lambda rows: printer.table(head, [cells(row) for row in rows])
    else:
        with _alternate() as display:
            yield lambda rows: display(lambda most: printer.columns(head, [cells(row) for row in rows[:most]]))


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
