"""Where a daemon keeps its things: one value for production, one for `--dev DIR`. Touches nothing."""

import signal
from dataclasses import dataclass
from pathlib import Path

DEV_MARKER = ".exod-dev"
"""A file in DIR that says exod made it; without it a directory is never taken for development state."""

SDK = Path(__file__).resolve().parent.parent / "exosdk"
"""What sandboxes will see lies beside us; it is never imported here."""

ENDING = (signal.SIGTERM, signal.SIGINT)
"""What asks a daemon to end."""


@dataclass(frozen=True, slots=True)
class Layout:
    """config: exod.toml, trust.d, plugins.d. state: what survives a boot. run: sockets. `bus` is a D-Bus address."""

    config: Path
    state: Path
    run: Path
    log: Path
    bus: str
    development: bool


def production() -> Layout:
    return Layout(
        config=Path("/etc/exod"),
        state=Path("/var/lib/exod"),
        run=Path("/run/exod"),
        log=Path("/var/log/exod"),
        bus="unix:path=/run/dbus/system_bus_socket",
        development=False,
    )


def development(root: Path) -> Layout:
    return Layout(
        config=root / "etc",
        state=root / "lib",
        run=root / "run",
        log=root / "log",
        bus=f"unix:path={root}/run/bus",
        development=True,
    )
