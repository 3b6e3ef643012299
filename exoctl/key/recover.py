"""`key recover`: the trust state is lost, and that is accepted."""

from exoctl import objects
from exoctl.session import Session
from exoctl.verb import verb
from exod.names import ROOT_PATH


@verb(example="exoctl key recover", writes=True)
def command(session: Session) -> None:
    """Accepts the loss of the trust state: whoever signed what is installed becomes its owner again.

    exod refuses every load until this is said, because a lost state and a removed one look the same.
    """
    if session.dry_run:
        # The daemon alone knows; what it refuses when nothing is lost is not promised here.
        lost = "trust" in objects.properties(session.bus.properties(ROOT_PATH, objects.MANAGER))["degraded"]
        session.plan(["make the signers of what is installed its owners again, and save that"] if lost else [])
        if not lost:
            session.printer.note("the trust state is sound: exod would refuse this")
        return
    objects.manager(session.bus, "RecoverTrust")
    if session.json_mode:
        session.printer.document({"recovered": True})
    else:
        session.printer.line("the loss is accepted; owners are pinned anew")
