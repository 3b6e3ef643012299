"""`link top`: what goes over each link now, busiest first."""

import time

import click

from exoctl.links import Row, rows, time_of
from exoctl.screen import looks
from exoctl.session import Session
from exoctl.verb import verb

_HEAD = ("FROM", "TO", "PRIORITY", "MESSAGES/S", "KIB/S", "DEPTH", "DROPPED", "P50", "P99")


@verb(example="exoctl link top --interval 2")
@click.option("--once", is_flag=True, help="One look, of two moments that lie the interval apart, and end.")
@click.option("--interval", type=click.FloatRange(min=0.1), default=1.0, show_default=True, metavar="SECONDS")
def command(session: Session, *, once: bool, interval: float) -> None:
    """Shows what goes over every link, busiest first, until it is interrupted."""
    before = {row["link"]: row for row in rows(session)}
    asked = time.monotonic()

    def look() -> list[Row]:
        nonlocal before, asked
        if once:
            time.sleep(interval)
        found, now = rows(session), time.monotonic()
        rated = [_rated(row, before.get(row["link"], row), now - asked) for row in found]
        before, asked = {row["link"]: row for row in found}, now
        return sorted(rated, key=lambda row: (-row["rate"], row["from"], row["to"], row["priority"]))

    looks(session.printer, "links", _HEAD, look, _cells, interval=None if once else interval)


def _rated(row: Row, before: Row, seconds: float) -> Row:
    """A counter that is smaller than before began anew with its plugin."""
    per = {"rate": "messages", "throughput": "bytes"}
    return row | {rate: max(0, row[name] - before[name]) / max(seconds, 1e-3) for rate, name in per.items()}


def _cells(row: Row) -> tuple[object, ...]:
    rates = (f"{row['rate']:.0f}", f"{row['throughput'] / 1024:.1f}", row["depth"], row["drops"] + row["dropped"])
    return (row["from"], row["to"], row["priority"], *rates, time_of(row, "p50"), time_of(row, "p99"))
