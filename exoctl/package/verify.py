"""`package verify FILE`: the verdict of this host, or of any directory of anchors, without a daemon."""

import os
import time
from typing import Any

import click

from exoctl import files, trustdir
from exoctl.faults import accepted
from exoctl.session import Session
from exoctl.verb import verb
from exod.errors import Refusal, Refused
from exod.package import package
from exod.trust import gather, state
from exod.trust.verify import Trust, VerifiedPackage
from exod.trust.verify import verify as judge


@verb(example="exoctl package verify hello_1.0.0.exopkg --anchors /etc/exod/trust.d")
@click.argument("file")
@click.option("--anchors", metavar="DIR", help="Default: this host's trust.d.")
@click.option("--state", "state_file", metavar="FILE", help="A trust state, for owners and versions seen before.")
@click.option("--dev", is_flag=True, help="Judge as `exod --dev` would.")
def command(session: Session, *, file: str, anchors: str | None, state_file: str | None, dev: bool) -> None:
    """Says who signed the package FILE, with which scope, and why it is accepted or refused; 3 when it is refused.

    Without --state it judges as a host that never saw the plugin before.
    """
    data = files.read(file, verb="verify", limit=package.MAX_BYTES)
    known = _state(state_file)
    found = gather.gather(
        trustdir.read(anchors or os.path.join(session.configuration, "trust.d")), state=known, development=dev
    )
    for refusal in found.refusals:
        session.printer.note(f"left out: {refusal.sentence}")
    if found.unread is not None:
        raise Refused(found.unread)
    trust = Trust(found.anchors, known, found.revocations, found.rotations, development=dev, levels=found.levels)
    verdict = judge(accepted(package.parse(data)), trust=trust, now=int(time.time()))
    if isinstance(verdict, Refusal):
        raise Refused(verdict)
    _tell(session, verdict)


def _state(path: str | None) -> state.TrustState:
    if path is None:
        return state.TrustState()
    return accepted(state.decode(files.read(path, verb="read the trust state", limit=state.MAX_BYTES)))


def _tell(session: Session, verdict: VerifiedPackage) -> None:
    told: dict[str, Any] = {
        "verdict": "accepted",
        "name": verdict.package.name,
        "version": verdict.package.version,
        "anchor": verdict.anchor.name,
        "level": verdict.level,
        "scope": str(verdict.anchor.scope),
        "signers": list(verdict.signers),
        "reasons": list(verdict.reasons),
        "degraded": list(verdict.degraded),
    }
    if session.json_mode:
        session.printer.document(told)
        return
    session.printer.line(f"accepted: {verdict.package.name} {verdict.package.version}")
    for reason in verdict.reasons:
        session.printer.line(f"  - {reason}")
    for lacking in verdict.degraded:
        session.printer.line(f"  - degraded: {lacking}")
