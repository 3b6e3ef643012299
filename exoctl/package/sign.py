"""`package sign FILE`: the same contents under another signature."""

from typing import Any

import click

from exoctl import files, passphrase, signing
from exoctl.faults import accepted, usage
from exoctl.session import Action, Session
from exoctl.verb import verb
from exod.errors import Refused
from exod.package import package
from exod.package.malformed import MalformedError


@verb(example="exoctl package sign hello_1.0.0.exopkg --key lab.key", writes=True)
@click.argument("file")
@click.option("-o", "--output", metavar="FILE", help="Default: FILE itself, replaced.")
@signing.options
@passphrase.options
def command(session: Session, *, file: str, output: str | None, **how: Any) -> None:
    """Signs the contents of the package FILE with --key; a signature it had before is replaced."""
    order = signing.Order(**how)
    if not order.keys:
        raise Refused(usage(f"cannot sign {file}: say which key", "--key FILE; make one with: exoctl key new FILE"))
    try:
        _, body = package.split(files.read(file, verb="sign", limit=package.MAX_BYTES))
    except MalformedError as fault:
        raise Refused(fault.refusal(file, code="package-malformed")) from fault
    accepted(package.read_contents(body))
    target = output or file

    def write() -> None:
        data = signing.sign(session, body, order)
        files.replace(target, data)
        signing.tell(session, target, data, order=order)

    session.perform([Action(f"write {target}, signed with {order.key}", write)])
