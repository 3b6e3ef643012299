"""`plugin plot PLUGIN SERIES`: a recorded series, drawn in the terminal."""

import math
import shutil
import time
from typing import Any

import click

from exoctl import braille, services, times
from exoctl.faults import usage
from exoctl.objects import plain, require_installed, require_name
from exoctl.session import Session
from exoctl.verb import verb
from exod.errors import Refused
from exod.package.limits import duration

_TAKES = "sddu"
"""A series, a range in seconds since 1970, and at most how many points; of each its time, least, mean and greatest."""


@verb(example="exoctl plugin plot recorder hostpulse/host.cpu.busy --last 6h")
@click.argument("plugin")
@click.argument("series")
@click.option(
    "--last", "span", default="1h", show_default=True, metavar="TIME", help="How far back, such as 30m or 24h."
)
@click.option("--height", type=click.IntRange(2, 200), default=12, show_default=True, help="Lines of the chart.")
def command(session: Session, *, plugin: str, series: str, span: str, height: int) -> None:
    """Draws SERIES as PLUGIN has recorded it. `exoctl plugin call PLUGIN Series` lists what there is."""
    require_name(plugin, verb="plot")
    seconds = duration(span)
    if not seconds:
        raise Refused(usage(f"cannot plot {series}: {span} is no time", "say a time such as 30m, 6h or 168h"))
    now = time.time()
    width = shutil.get_terminal_size().columns
    found = _asked(session, plugin, series, since=max(0.0, now - seconds), until=now, most=braille.dots(width))
    if session.json_mode:
        session.printer.document({"series": series, "from": now - seconds, "to": now, "points": found})
    elif found:
        _draw(session, series, found, width=width, height=height)
    else:
        session.printer.line(f"nothing of {series} was recorded in the last {span}")


def _asked(session: Session, plugin: str, series: str, *, since: float, until: float, most: int) -> list[braille.Point]:
    try:
        method = services.find(session.bus, plugin, "Query")
    except Refused as error:
        if error.refusal.code == "unknown-method":
            require_installed(session.bus, plugin, verb="plot")
        raise
    if method.takes != _TAKES:
        raise Refused(usage(f"cannot plot {series}: {method} of {plugin} takes {method.takes}, not {_TAKES}"))
    answer = session.bus.call(method.path, method.interface, method.name, _TAKES, [series, since, until, most])
    return sorted(_point(row, plugin) for row in plain(answer[0]))


def _point(row: Any, plugin: str) -> braille.Point:
    """What a plugin answers is not believed."""
    match row:
        case [float(at), float(least), float(mean), float(greatest)] if (
            all(map(math.isfinite, row)) and least <= mean <= greatest
        ):
            return at, least, mean, greatest
    raise Refused(usage(f"cannot plot what {plugin} answers: it is no list of points"))


def _draw(session: Session, series: str, points: list[braille.Point], *, width: int, height: int) -> None:
    least, greatest = min(point[1] for point in points), max(point[3] for point in points)
    latest = braille.short(points[-1][2])
    session.printer.line(f"{series}  least {braille.short(least)}  greatest {braille.short(greatest)}  latest {latest}")
    for line in braille.chart(points, width=width, height=height):
        session.printer.line(line)
    first, last = (times.shown(int(point[0])) for point in (points[0], points[-1]))
    session.printer.line(f"{'':{braille.LABEL}}{first}{last:>{max(len(last) + 2, width - braille.LABEL - len(first))}}")
