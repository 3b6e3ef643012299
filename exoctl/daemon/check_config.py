"""`daemon check-config`: whether the configuration would be accepted, and who could change it. Needs no daemon."""

import os
import stat
import tomllib
from collections.abc import Iterator

import click

from exoctl import trustdir
from exoctl.session import Session
from exoctl.verb import verb
from exod.errors import Outcome, Refusal, Refused
from exod.names import is_name
from exod.trust import gather
from exod.trust.state import TrustState

_HEAD = ("FILE", "VERDICT", "REASON")


@verb(example="exoctl daemon check-config --dir /etc/exod")
@click.option("--dir", "directory", metavar="DIR", help="Default: this host's /etc/exod.")
def command(session: Session, *, directory: str | None) -> None:
    """Checks exod.toml, plugins.d and trust.d: owners, modes, form; anchors in full. Ends with 1 if one is bad."""
    top = directory or session.configuration
    rows = [*_settings(top), *_plugins(top), *_trust(top)]
    if session.json_mode:
        session.printer.document([{"file": file, "ok": not reason, "reason": reason} for file, reason in rows])
    elif rows:
        session.printer.table(_HEAD, [(file, "failed" if reason else "accepted", reason) for file, reason in rows])
    else:
        session.printer.line(f"{top} holds nothing: every setting has its default, nobody is trusted")
    bad = [file for file, reason in rows if reason]
    if bad:
        sentence = f"cannot accept the configuration: {', '.join(bad)}"
        raise Refused(Refusal("configuration-invalid", sentence, "", {}, Outcome.FAILED))


def _settings(top: str) -> Iterator[tuple[str, str]]:
    path = os.path.join(top, "exod.toml")
    if os.path.lexists(path):
        yield path, _toml(path)


def _plugins(top: str) -> Iterator[tuple[str, str]]:
    directory = os.path.join(top, "plugins.d")
    for name in sorted(os.listdir(directory)) if os.path.isdir(directory) else []:
        path = os.path.join(directory, name)
        if not (name.endswith(".toml") and is_name(name.removesuffix(".toml"))):
            yield path, "its name is not PLUGIN.toml"
        else:
            yield path, _toml(path)


def _trust(top: str) -> Iterator[tuple[str, str]]:
    directory = os.path.join(top, "trust.d")
    if not os.path.lexists(directory):
        return
    try:
        contents = trustdir.read(directory)
    except Refused as error:
        yield directory, error.refusal.sentence
        return
    for name in contents:
        others = {other: data for other, data in contents.items() if other == name or other.endswith(".toml")}
        before = gather.gather({key: value for key, value in others.items() if key != name}, state=TrustState())
        after = gather.gather(others, state=TrustState(), development=True)
        fresh = [refusal.sentence for refusal in after.refusals if refusal not in before.refusals]
        path = os.path.join(directory, name)
        yield path, _exposed(path) or (fresh[0] if fresh else "")


def _exposed(path: str) -> str:
    """Who else could change this file."""
    found = os.lstat(path)
    if not stat.S_ISREG(found.st_mode):
        return "it is not a regular file"
    if found.st_uid not in (0, os.geteuid()) or found.st_mode & 0o022:
        return "another user owns it or may write it"
    return ""


def _toml(path: str) -> str:
    if exposed := _exposed(path):
        return exposed
    try:
        with open(path, "rb") as stream:
            tomllib.load(stream)
    except (OSError, ValueError, RecursionError) as error:
        return f"it is not TOML: {error}"
    return ""
