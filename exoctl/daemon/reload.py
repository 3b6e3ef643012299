"""`daemon reload`: trust and settings are read anew; what no longer stands is stopped."""

from exoctl import objects
from exoctl.session import Session
from exoctl.verb import verb


@verb(example="exoctl daemon reload", writes=True)
def command(session: Session) -> None:
    """Has exod read its settings and the trust directory again, and prints what changed.

    Plugins that run although nobody trusts their signer any more are stopped.
    """
    if session.dry_run:
        session.plan(["read the settings and the trust directory again", "stop what is no longer trusted"])
        return
    (changes,) = objects.manager(session.bus, "Reload")
    if session.json_mode:
        session.printer.document({"changes": list(changes)})
        return
    for change in changes or ["nothing changed"]:
        session.printer.line(change)
