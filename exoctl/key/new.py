"""`key new FILE`: a signing identity; the private half encrypted, the public half beside it."""

import os

import click

from exoctl import files, keyfiles, passphrase
from exoctl.faults import usage
from exoctl.private import PrivateIdentity
from exoctl.session import Action, Session
from exoctl.verb import verb
from exod.errors import Refused
from exod.names import is_name


@verb(example="exoctl key new lab.key --name lab", writes=True)
@click.argument("file")
@click.option("--name", metavar="NAME", default="", help="What to call it; only shown.")
@passphrase.options
def command(session: Session, *, file: str, name: str, passphrase_file: str | None, passphrase_fd: int | None) -> None:
    """Makes a signing key: Ed25519 and ML-DSA-65 together, encrypted in FILE, and beside it what others trust.

    The public half of NAME.key is NAME.pub."""
    public = f"{file.removesuffix('.key')}.pub"
    if session.dry_run:
        session.plan([f"write {file}, encrypted, 0600", f"write {public}"])
        return
    if os.path.lexists(public):
        raise Refused(usage(f"cannot write {public}: it exists", "choose another name"))
    words = passphrase.obtain(session, file=passphrase_file, fd=passphrase_fd, new=True)
    key = PrivateIdentity.generate()
    session.perform(
        [
            Action(f"write {file}, encrypted, 0600", lambda: keyfiles.write(file, key, passphrase=words)),
            Action(
                f"write {public}", lambda: files.create(public, keyfiles.public_text(key.identity).encode(), mode=0o644)
            ),
        ]
    )
    if session.json_mode:
        session.printer.document({"file": file, "public": public, "name": name, "key_id": key.key_id})
    else:
        stem = os.path.basename(public).removesuffix(".pub")
        called = name or (stem if is_name(stem) else "NAME")
        session.printer.line(f"{name or 'key'} {key.key_id} in {file}, its public half in {public}; trust it with:")
        session.printer.line(f"exoctl key trust {public} --name {called} --scope PLUGIN --interface PREFIX.")
