"""`key revoke KEY`: whatever it signed is trusted no more on this host, from now on."""

import os

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


@verb(example='exoctl key revoke lab --reason "laptop stolen"', writes=True)
@click.argument("key", metavar="NAME|KEYID")
@click.option("--reason", default="revoked on this host", show_default=True, help="Shown wherever it is refused.")
@click.option("--trust-dir", metavar="DIR", help="Default: trust.d of this host.")
def command(session: Session, *, key: str, reason: str, trust_dir: str | None) -> None:
    """Revokes the key with this id, or all keys of the anchor NAME. Running plugins it signed are stopped."""
    directory = trust_dir or os.path.join(session.configuration, "trust.d")
    contents = trustdir.read(directory)
    keys = _keys(contents, key)
    before = contents.get(gather.LOCAL)
    present = accepted(revocation.parse_local(before)) if before is not None else revocation.Revocations()
    wanted = revocation.merge((present, revocation.Revocations(dict.fromkeys(keys, reason))))
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
