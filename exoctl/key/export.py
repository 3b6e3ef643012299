"""`key export FILE`: the public half of a key."""

import click

from exoctl import files, keyfiles, passphrase
from exoctl.session import Action, Session
from exoctl.verb import verb


@verb(example="exoctl key export lab.key -o lab.pub", writes=True)
@click.argument("file")
@click.option("-o", "--output", metavar="FILE", help="Where to; default: shown.")
@passphrase.options
def command(
    session: Session, *, file: str, output: str | None, passphrase_file: str | None, passphrase_fd: int | None
) -> None:
    """Reads the private key FILE and gives out its public half: one line, which may go anywhere."""
    if session.dry_run:
        session.plan([f"write {output}" if output else "show the public half"])
        return
    keyfiles.require_private(file)
    words = passphrase.obtain(session, file=passphrase_file, fd=passphrase_fd)
    identity = keyfiles.read(file, passphrase=words).identity
    if output:
        text = keyfiles.public_text(identity).encode()
        session.perform([Action(f"write {output}", lambda: files.create(output, text, mode=0o644))])
    if session.json_mode:
        session.printer.document({"key_id": identity.key_id, "identity": identity.encode(), "file": output})
    else:
        session.printer.line(f"{identity.key_id} in {output}" if output else identity.encode())
