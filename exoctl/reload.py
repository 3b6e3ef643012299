"""After a change of trust: a running exod is asked to read it; one that does not run reads it when it starts."""

from typing import Any

from exoctl import objects
from exoctl.session import Session
from exod.errors import Outcome, Refused

ASKED = "ask the daemon, if it runs, to read trust again"


def ask(session: Session) -> dict[str, Any]:
    """What the daemon said changed; `reloaded` is False where none runs."""
    try:
        (changes,) = objects.manager(session.bus, "Reload")
    except Refused as error:
        if error.refusal.outcome is Outcome.UNREACHABLE:
            return {"reloaded": False, "changes": []}
        raise
    return {"reloaded": True, "changes": [str(change) for change in changes]}


def tell(session: Session, said: dict[str, Any]) -> None:
    for change in said["changes"]:
        session.printer.line(change)
    if not said["reloaded"]:
        session.printer.note("exod does not run; it reads this when it starts")
