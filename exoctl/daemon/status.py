"""`daemon status`: whether exod runs, as what, and what this host costs it."""

from typing import Any

from exoctl import objects, times
from exoctl.session import Session
from exoctl.verb import verb
from exod.names import ROOT_PATH


@verb(example="exoctl daemon status --json")
def command(session: Session) -> None:
    """Shows the daemon's version, state, mode, and what it lacks on this host."""
    status = objects.properties(session.bus.properties(ROOT_PATH, objects.MANAGER))
    if session.json_mode:
        session.printer.document(status)
        return
    session.printer.pairs(
        {
            "state": status["state"],
            "version": status["version"],
            "mode": status["mode"],
            "plugin api": status["api_level"],
            "started": times.shown(status["started_at"]),
            "zygotes": _summed(status["zygotes"]),
        }
    )
    for what, cost in sorted(status["degraded"].items()):
        session.printer.line(f"degraded: {what}: {cost}")


def _summed(zygotes: list[list[Any]]) -> str:
    """What stands ready for the next starts, and what that costs."""
    ready = sum(role != "in-use" for _, _, role, _, _ in zygotes)
    return f"{len(zygotes)}, {ready} of them waiting to be needed, {sum(one[4] for one in zygotes) / 1e6:.1f} MB"
