"""`key list`: whom this host trusts, for what."""

from collections.abc import Mapping
from datetime import UTC, datetime

import click

from exoctl import objects, trustdir
from exoctl.session import Session
from exoctl.verb import verb
from exod.trust import gather
from exod.trust.anchors import Anchor
from exod.trust.state import TrustState

_HEAD = ("NAME", "LEVEL", "SCOPE", "EXPIRES", "KEY")


@verb(example="exoctl key list --trust-dir /etc/exod/trust.d")
@click.option("--trust-dir", metavar="DIR", help="Read DIR instead of asking the daemon.")
def command(session: Session, *, trust_dir: str | None) -> None:
    """Lists the keys that the daemon trusts now, or those in a directory of anchors."""
    rows = _asked(session) if trust_dir is None else _read(session, trust_dir)
    if session.json_mode:
        session.printer.document(rows)
    elif rows:
        session.printer.table(_HEAD, [_cells(row) for row in rows])
    else:
        session.printer.line("nobody is trusted; change that with: exoctl key trust FILE --name NAME --scope SCOPE")


def _asked(session: Session) -> list[dict[str, str]]:
    (rows,) = objects.manager(session.bus, "ListTrust")
    return [dict(row) for row in rows]


def _read(session: Session, directory: str) -> list[dict[str, str]]:
    found = gather.gather(trustdir.read(directory), state=TrustState(), development=True)
    for refusal in found.refusals:
        session.printer.note(f"left out: {refusal.sentence}")
    return [_row(anchor, key, found.revocations.keys) for anchor in found.anchors for key in _keys(anchor)]


def _keys(anchor: Anchor) -> list[str]:
    return [identity.key_id for identity in anchor.identities]


def _row(anchor: Anchor, key: str, revoked: Mapping[str, str]) -> dict[str, str]:
    expires = "" if anchor.expires is None else str(anchor.expires)
    row = {"name": anchor.name, "key": key, "level": anchor.level, "scope": str(anchor.scope), "expires": expires}
    return row | {"revoked": revoked[key]} if key in revoked else row


def _cells(row: Mapping[str, str]) -> tuple[str, ...]:
    end = "revoked" if "revoked" in row else _date(row["expires"])
    return (row["name"], row["level"], row["scope"], end, row["key"][:16])


def _date(seconds: str) -> str:
    """`expires` is seconds since the epoch, as text; empty for never."""
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%d") if seconds else "never"
