"""`audit export`: a copy of the log that can be verified elsewhere, or the key to verify it with."""

import os

import click

from exoctl import files
from exoctl.auditlog import INITIAL, KNOWN, Live, encoded, lines, read_key
from exoctl.faults import failed, not_found, usage
from exoctl.session import Action, Session
from exoctl.verb import verb
from exod.errors import Refused

_KEY_MAX = 4096


@verb(example="exoctl audit export --key /media/usb/audit.key", writes=True)
@click.argument("directory", required=False)
@click.option("--key", metavar="FILE", help="Move the log's first key there, off this host; - shows it.")
def command(session: Session, *, directory: str | None, key: str | None) -> None:
    """Copies the audit log into the new DIRECTORY, or takes its first key off this host.

    With that key every record can be checked, and until it is gone whoever is root could make every record anew: take
    it when exod has started for the first time, and keep it where this host cannot read it.
    """
    if (directory is None) == (key is None):
        raise Refused(usage("cannot export: say a DIRECTORY, or --key FILE", "exoctl audit export --help"))
    if key is not None:
        _take_key(session, key)
    elif directory is not None:
        _copy(session, directory)


def _copy(session: Session, directory: str) -> None:
    log = Live(session.bus)
    actions = [Action(f"make {directory}", lambda: _make(directory))]
    for name in log.sizes:
        target = os.path.join(directory, name)
        write = Action(f"write {target}", lambda name=name, to=target: _write(to, b"".join(lines(log, name))))  # type: ignore[misc]
        actions.append(write)
    target = os.path.join(directory, KNOWN)
    actions.append(Action(f"write {target}", lambda: _write(target, encoded(log.known))))
    if session.perform(actions):
        _say(session, {"directory": directory, "files": len(log.sizes), "last": log.known.get("seq", "")})


def _make(directory: str) -> None:
    try:
        os.mkdir(directory, 0o700)
    except OSError as error:
        raise Refused(failed("unwritable-file", f"cannot make {directory}: {error.strerror}")) from error


def _write(path: str, data: bytes) -> None:
    files.create(path, data, mode=0o600)


def _take_key(session: Session, to: str) -> None:
    """First durable there, then overwritten here."""
    source = os.path.join(session.state, "audit", INITIAL)
    if not os.path.exists(source):
        sentence = f"cannot take the audit's first key: there is none in {os.path.dirname(source)}"
        raise Refused(not_found("audit-key-taken", sentence, "it was taken before, or exod has not started yet"))
    if os.path.dirname(os.path.abspath(to)).startswith(os.path.abspath(session.state)):
        raise Refused(usage(f"cannot take the key to {to}: that is where it lies", "choose a place off this host"))
    key, data = read_key(source), files.read_secret(source, verb="take", limit=_KEY_MAX).rstrip() + b"\n"
    give = Action(f"write {to}", lambda: _write(to, data)) if to != "-" else _shown(session, data)
    if session.perform([give, Action(f"overwrite and remove {source}", lambda: _erase(source))]) and to != "-":
        _say(session, {"key": key.id, "behind": key.seq, "file": to})


def _shown(session: Session, data: bytes) -> Action:
    return Action("show the key", lambda: session.printer.line(data.decode().rstrip()))


def _erase(path: str) -> None:
    """Overwritten in its place first: what a directory forgets still lies on the disk."""
    try:
        fd = os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            os.pwrite(fd, bytes(os.fstat(fd).st_size), 0)
            os.fsync(fd)
        finally:
            os.close(fd)
        os.unlink(path)
    except OSError as error:
        raise Refused(failed("unwritable-file", f"cannot remove {path}: {error.strerror}")) from error


def _say(session: Session, values: dict[str, object]) -> None:
    if session.json_mode:
        session.printer.document(values)
    else:
        session.printer.pairs(values)
