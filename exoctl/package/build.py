"""`package build DIR`: a plugin's directory to a package file; signed, when a key is given."""

from typing import Any

import click

from exoctl import building, files, linting, passphrase, signing, sources
from exoctl.faults import accepted
from exoctl.session import Action, Session
from exoctl.verb import verb
from exod.package import package


@verb(example="exoctl package build hello -o hello_1.0.0.exopkg --key lab.key", writes=True)
@click.argument("directory", metavar="DIR")
@click.option("-o", "--output", metavar="FILE", help="Default: NAME_VERSION.exopkg here. Replaced if it exists.")
@signing.options
@passphrase.options
def command(session: Session, *, directory: str, output: str | None, **how: Any) -> None:
    """Packs DIR; the same files give the same archive, byte for byte. Without --key nothing will load it yet."""
    order = signing.Order(**how)
    body = accepted(building.build(sources.read(directory)))
    archive, manifest = accepted(package.read_contents(body))
    linting.tell(session, linting.look(manifest, archive.files))
    target = output or f"{manifest.name}_{manifest.version}{package.SUFFIX}"

    def write() -> None:
        data = signing.sign(session, body, order) if order.keys else signing.unsigned(body)
        files.replace(target, data)
        signing.tell(session, target, data, order=order)

    how_signed = f"signed with {order.key}" if order.keys else "unsigned"
    session.perform([Action(f"write {target}: {manifest.name} {manifest.version}, {how_signed}", write)])
