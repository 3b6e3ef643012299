"""Built archive + key files → package file: which keys, which dates, development or not, as it was asked for."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import click

from exoctl import building, keyfiles, passphrase
from exoctl.faults import accepted, usage
from exoctl.private import sign_package
from exoctl.session import Session
from exod.errors import Refused
from exod.package import package
from exod.package.envelope import PACKAGE, Envelope

_NOBODY = "0" * 64


@dataclass(frozen=True, slots=True)
class Order:
    """`sequence` None counts by the second of issue, so that a later build has a later number."""

    keys: tuple[str, ...]
    dev: bool
    sequence: int | None
    expires_days: int | None
    passphrase_file: str | None
    passphrase_fd: int | None

    @property
    def key(self) -> str:
        return " and ".join(self.keys)


def options(run: Callable[..., Any]) -> Callable[..., Any]:
    run = click.option("--sequence", type=click.IntRange(0), metavar="N", help="Release number; default: the time.")(
        run
    )
    days = click.IntRange(1, 36_500)
    run = click.option("--expires-days", type=days, metavar="DAYS", help="Not to be loaded after that.")(run)
    run = click.option("--dev", is_flag=True, help="Only for `exod --dev`; production refuses it unread.")(run)
    text = "Sign with this key; more than one for a threshold."
    return click.option("--key", "keys", metavar="FILE", multiple=True, help=text)(run)


def unsigned(body: bytes) -> bytes:
    """A package that nobody signed: complete, and refused by every exod until `package sign`."""
    payload = accepted(building.payload_for(body, signer=_NOBODY, issued=_now(), sequence=0))
    return package.join(Envelope(PACKAGE, payload.encode(), ()), body)


def sign(session: Session, body: bytes, order: Order) -> bytes:
    for path in order.keys:
        keyfiles.require_private(path)
    words = passphrase.obtain(session, file=order.passphrase_file, fd=order.passphrase_fd)
    keys = [keyfiles.read(path, passphrase=words) for path in order.keys]
    issued = _now()
    expires = None if order.expires_days is None else issued + order.expires_days * 86_400
    sequence = issued if order.sequence is None else order.sequence
    signed = sign_package(
        body, *keys, issued=issued, sequence=sequence, expires=expires, development=order.dev
    )  # fmt: skip
    return accepted(signed)


def tell(session: Session, target: str, data: bytes, *, order: Order) -> None:
    """What was written, read back from its bytes."""
    _, body = package.split(data)
    _, manifest = accepted(package.read_contents(body))
    signed = package.parse(data)
    signers = [one.key_id for one in signed.envelope.signatures] if isinstance(signed, package.Package) else []
    told = {"file": target, "name": manifest.name, "version": manifest.version, "bytes": len(data), "signers": signers}
    if session.json_mode:
        session.printer.document(told)
        return
    by = f"signed by {', '.join(signer[:12] for signer in signers)}" if signers else "unsigned: nothing loads it yet"
    session.printer.line(f"{target}: {manifest.name} {manifest.version}, {len(data)} bytes, {by}")
    if order.dev:
        session.printer.note("a development package: only `exod --dev` reads it")


def _now() -> int:
    """The clock, or what a reproducible build says it is (reproducible-builds.org, SOURCE_DATE_EPOCH)."""
    fixed = os.environ.get("SOURCE_DATE_EPOCH")
    if fixed is None:
        return int(time.time())
    if not (fixed.isascii() and fixed.isdigit()):
        raise Refused(usage(f"cannot date the package: SOURCE_DATE_EPOCH is {fixed}, not a number of seconds"))
    return int(fixed)
