"""`key new FILE`: a signing identity; the private half encrypted, the public half beside it."""

import click

from exoctl import files, keyfiles, passphrase
from exoctl.private import PrivateIdentity
from exoctl.session import Action, Session
from exoctl.verb import verb


@verb(example="exoctl key new lab.key --name lab", writes=True)
@click.argument("file")
@click.option("--name", metavar="NAME", default="", help="What to call it; only shown.")
@passphrase.options
def command(session: Session, *, file: str, name: str, passphrase_file: str | None, passphrase_fd: int | None) -> None:
    """Makes a signing key: Ed25519 and ML-DSA-65 together, encrypted in FILE, and FILE.pub for others to trust."""
    if session.dry_run:
        session.plan([f"write {file}, encrypted, 0600", f"write {file}.pub"])
        return
    words = passphrase.obtain(session, file=passphrase_file, fd=passphrase_fd, new=True)
    key = PrivateIdentity.generate()
    public = f"{file}.pub"
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
        session.printer.line(
            f"{name or 'key'} {key.key_id} in {file}; trust it with: exoctl key trust {public} --name NAME"
        )
