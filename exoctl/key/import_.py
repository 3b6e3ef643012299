"""`key import FILE`: an anchor or a signed statement from elsewhere, judged as the daemon would, then put in place."""

import os

import click

from exoctl import files, reload, trustdir
from exoctl.faults import failed, usage
from exoctl.session import Action, Session
from exoctl.verb import verb
from exod.errors import Refused
from exod.trust import gather
from exod.trust.state import TrustState

_SUFFIXES = (".toml", ".revocation", ".rotation")
_MAX = 64 << 10


@verb(example="exoctl key import vendor.toml", writes=True)
@click.argument("file")
@click.option("--trust-dir", metavar="DIR", help="Default: trust.d of this host.")
def command(session: Session, *, file: str, trust_dir: str | None) -> None:
    """Takes over an anchor (NAME.toml), a revocation list (.revocation) or a rotation (.rotation) from FILE.

    A statement has to be signed by a key that is trusted here already; an anchor is trusted because you say so.
    """
    directory = session.trust_directory(trust_dir)
    name = os.path.basename(file)
    if not name.endswith(_SUFFIXES) or name in gather.OWN or name.startswith("."):
        raise Refused(
            usage(f"cannot import {file}: expected a file named {', '.join('NAME' + one for one in _SUFFIXES)}")
        )
    data = files.read(file, verb="import", limit=_MAX)
    _judge(trustdir.read(directory), name, data)
    put = trustdir.add if name.endswith(".toml") else trustdir.replace
    said: dict[str, object] = {}
    actions = [
        Action(f"write {directory}/{name}", lambda: put(directory, name, data)),
        Action(reload.ASKED, lambda: said.update(reload.ask(session))),
    ]
    if not session.perform(actions):
        return
    if session.json_mode:
        session.printer.document({"imported": name} | said)
        return
    session.printer.line(f"imported {name}")
    reload.tell(session, said)


def _judge(contents: dict[str, bytes], name: str, data: bytes) -> None:
    """Raises what the daemon would say of this file, beside the ones that are there."""
    if contents.get(name) == data:
        raise Refused(failed("nothing-new", f"cannot import {name}: it is here already"))
    state = TrustState()
    before = gather.gather(
        {key: value for key, value in contents.items() if key != name}, state=state, development=True
    )
    after = gather.gather(contents | {name: data}, state=state, development=True)
    fresh = [refusal for refusal in after.refusals if refusal not in before.refusals]
    if fresh:
        raise Refused(fresh[0])
