"""`key revoke KEY`: whatever it signed is trusted no more on this host, from now on."""

import click

from exoctl import reload, trustdir
from exoctl.faults import accepted, not_found
from exoctl.session import Action, Session
from exoctl.trustfiles import revoked_file
from exoctl.verb import verb
from exod.errors import Refused
from exod.package.envelope import is_key_id
from exod.trust import gather, revocation
from exod.trust.state import TrustState

_REASON = "revoked on this host"


@verb(example='exoctl key revoke lab --reason "laptop stolen"', writes=True)
@click.argument("key", metavar="NAME|KEYID")
@click.option("--reason", metavar="TEXT", help=f"Shown wherever it is refused; default: as before, or {_REASON!r}.")
@click.option("--trust-dir", metavar="DIR", help="Default: trust.d of this host.")
def command(session: Session, *, key: str, reason: str | None, trust_dir: str | None) -> None:
    """Revokes the key with this id, or all keys of the anchor NAME. Running plugins it signed are stopped."""
    directory = session.trust_directory(trust_dir)
    contents = trustdir.read(directory)
    keys = _keys(contents, key)
    before = contents.get(gather.LOCAL)
    present = accepted(revocation.parse_local(before)) if before is not None else revocation.Revocations()
    reasons = {one: reason or present.keys.get(one, _REASON) for one in keys}
    wanted = revocation.merge((present, revocation.Revocations(reasons)))
    data = revoked_file(wanted)
    accepted(revocation.parse_local(data))
    said: dict[str, object] = {}
    shown = ", ".join(one[:12] for one in keys)
    actions = [
        Action(f"write {directory}/{gather.LOCAL}: {shown}", lambda: trustdir.replace(directory, gather.LOCAL, data)),
        Action(reload.ASKED, lambda: said.update(reload.ask(session))),
    ]
    if not session.perform(actions):
        return
    if session.json_mode:
        session.printer.document({"revoked": keys} | said)
        return
    session.printer.line(f"revoked: {shown}")
    reload.tell(session, said)


def _keys(contents: dict[str, bytes], key: str) -> list[str]:
    if is_key_id(key):
        return [key]
    found = gather.gather(contents, state=TrustState(), development=True)
    keys = [identity.key_id for anchor in found.anchors if anchor.name == key for identity in anchor.identities]
    if not keys:
        sentence = f"cannot revoke {key}: no anchor has that name, and it is no key id"
        raise Refused(not_found("unknown-key", sentence, "exoctl key list"))
    return keys
