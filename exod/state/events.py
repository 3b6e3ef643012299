"""`events.toml` → every event of the audit log: who sees it, how soon it is on the disk, what it tells.

Whatever writes an event is checked against it, and so is the table in `docs/systems/audit.md`.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Final

DELAY: Final = 1.0
"""Seconds that what is routine may take to the disk, and the key always."""


@dataclass(frozen=True, slots=True)
class Event:
    """`within`: seconds until it is on the disk, 0 for at once. `log`: a level of the daemon's log, "" for none."""

    tells: str
    source: str = "exod"
    within: float = 0.0
    log: str = ""


EVENTS: Final[Mapping[str, Event]] = {
    name: Event(**row) for name, row in tomllib.loads(files("exod.state").joinpath("events.toml").read_text()).items()
}
