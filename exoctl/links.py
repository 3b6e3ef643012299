"""The rows of ListLinks, for `link list` and `link top`."""

from typing import Any

from exoctl.objects import manager
from exoctl.session import Session

FIELDS = (
    "link",
    "from",
    "to",
    "priority",
    "slots",
    "arena",
    "messages",
    "bytes",
    "drops",
    "depth",
    "received",
    "dropped",
)
TIMES = ("p50", "p99")
"""Microseconds on the way."""
Row = dict[str, Any]


def rows(session: Session) -> list[Row]:
    (answer,) = manager(session.bus, "ListLinks")
    return [dict(zip((*FIELDS, *TIMES), row, strict=False)) for row in answer]


def time_of(row: Row, name: str) -> str:
    """As people read it: the upper edge of the bucket."""
    found = row[name]
    return f"{found / 1000:g} ms" if found >= 1000 else f"{found:g} us" if found else "-"
