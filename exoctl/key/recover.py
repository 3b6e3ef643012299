"""`key recover`: the trust state is lost, and that is accepted."""

from exoctl import objects
from exoctl.session import Session
from exoctl.verb import verb


@verb(example="exoctl key recover", writes=True)
def command(session: Session) -> None:
    """Accepts the loss of the trust state: the next signer of each plugin becomes its owner.

    exod refuses every load until this is said, because a lost state and a removed one look the same.
    """
    if session.dry_run:
        session.plan(["forget all owners and version marks", "pin owners anew at the next load of each plugin"])
        return
    objects.manager(session.bus, "RecoverTrust")
    if session.json_mode:
        session.printer.document({"recovered": True})
    else:
        session.printer.line("the loss is accepted; owners are pinned anew")
