"""`plugin try DIR`: from source to a running instance of a development daemon; with --watch, at every save."""

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import click

from exoctl import building, devkey, jobs, objects, reload, sources
from exoctl.faults import accepted
from exoctl.lifecycle import flags
from exoctl.private import sign_package
from exoctl.session import DEV_VARIABLE, Session
from exoctl.verb import verb
from exod.errors import Outcome, Refusal, Refused
from exod.names import plugin_path
from exod.package import package
from exod.package.manifest import Manifest

_POLL = 0.3
"""Seconds between two looks at the files; two equal looks end a save."""
_ALIVE = ("loaded", "running", "suspended")
_AGREED = frozenset({"widened", "downgrade", "installed-unreadable", "owner-differs"})
"""What exod refuses until a person agrees: whoever tries a plugin has, but for a name that another signer owns."""


@verb(example="exoctl plugin try hello --watch", writes=True, waits=True)
@click.argument("directory", metavar="DIR")
@click.option("--watch", is_flag=True, help="Go on: at every save rebuild, sign, and replace the instance.")
@click.option("--consent", is_flag=True, help="Also when another signer owns the name; its data is not handed on.")
def command(session: Session, *, directory: str, watch: bool, consent: bool) -> None:
    """Builds the plugin in DIR, signs it with this development daemon's own key, and runs it. Only under exod --dev.

    The same version may be tried again with other contents. What runs is ended only when exod would take the new one.
    """
    dev = devkey.directory(os.environ.get(DEV_VARIABLE))
    if session.dry_run:
        manifest = _built(directory)[1]
        session.plan(
            [
                f"build {manifest.name} {manifest.version} from {directory}, and sign it with the key in {dev}/keys",
                f"trust that key for {manifest.name}, in this development daemon only",
                f"ask exod whether it would take {manifest.name} {manifest.version}",
                f"unload {manifest.name}, if it is loaded",
                f"load and start {manifest.name} {manifest.version} as a new instance",
            ]
        )
        return
    jobs.listen(session.bus)
    if not watch:
        _run(session, dev, directory, consent=consent)
        return
    try:
        for _ in _saves(directory):
            _attempt(session, dev, directory, consent=consent)
    except KeyboardInterrupt:
        session.printer.note("no longer watching; what runs goes on")


def _attempt(session: Session, dev: str, directory: str, *, consent: bool) -> None:
    """A save that does not build or load is told; the next one may."""
    try:
        _run(session, dev, directory, consent=consent)
    except Refused as error:
        if error.refusal.outcome is Outcome.UNREACHABLE:
            raise
        session.printer.refusal(error.refusal)


def _run(session: Session, dev: str, directory: str, *, consent: bool) -> None:
    body, manifest = _built(directory)
    key = devkey.key(dev)
    data = accepted(sign_package(body, key, issued=int(time.time()), sequence=time.time_ns() // 1000, development=True))
    if devkey.trust(dev, key, manifest):
        reload.ask(session)
    _judge(session, data, directory=directory, consent=consent)
    ended = _unload(session, manifest.name)
    try:
        result = _load(session, data)["result"]
    except Refused as error:
        if not ended or error.refusal.outcome is Outcome.UNREACHABLE:
            raise
        raise Refused(_left(session, manifest.name, error.refusal)) from error
    if session.json_mode:
        session.printer.document({"plugin": manifest.name, "version": manifest.version} | result)
    else:
        instance = result.get("instance", "?")
        session.printer.line(f"{manifest.name} {manifest.version} is {result.get('state')}, instance {instance}")


def _built(directory: str) -> tuple[bytes, Manifest]:
    body = accepted(building.build(sources.read(directory)))
    return body, accepted(package.read_contents(body))[1]


def _judge(session: Session, data: bytes, *, directory: str, consent: bool) -> None:
    """Whether exod would take it, asked before anything that runs is ended. Raises Refused."""
    with _descriptor(data) as fd:
        (context,) = objects.manager(session.bus, "Validate", "h", 0, fds=(fd,))
    context = objects.plain(context)
    if context["accepted"]:
        return
    refusal = Refusal.from_fields(context["refusal"])
    if refusal.code not in _AGREED:
        raise Refused(refusal)
    if refusal.code == "owner-differs":
        _require_consent(session, refusal, directory=directory, consent=consent)
    # Validate stops at the first thing to agree to; what comes behind it is found by the plan of who agreed.
    options = flags(consent=True, downgrade=True)
    with _descriptor(data) as fd:
        objects.manager(session.bus, "PlanPackage", "sha{sv}", "install", 0, options, fds=(fd,))


def _require_consent(session: Session, refusal: Refusal, *, directory: str, consent: bool) -> None:
    """Another signer's package is never replaced by one of the same version, whoever consents. Raises Refused."""
    name, version = refusal.evidence.get("name", ""), refusal.evidence.get("version", "")
    if version in _property(session, name, "Versions", absent=()):
        sentence = f"cannot try {name} {version}: another signer's package of this version is installed"
        hint = f"give it a new version, or first: exoctl plugin remove {name}"
        raise Refused(replace(refusal, code="version-differs", sentence=sentence, hint=hint))
    if not consent:
        raise Refused(replace(refusal, hint=f"exoctl plugin try {directory} --consent"))


def _unload(session: Session, name: str) -> bool:
    """Whether there was something to end."""
    if _property(session, name, "StateName", absent="") not in _ALIVE:
        return False
    (path,) = objects.plugin(session.bus, name, "Unload", verb="unload")
    jobs.complete(session, path)
    return True


def _property(session: Session, name: str, of: str, *, absent: Any) -> Any:
    """`absent` for a plugin that is not installed."""
    try:
        return session.bus.properties(plugin_path(name), objects.PLUGIN)[of]
    except Refused as error:
        if error.refusal.outcome is not Outcome.NOT_FOUND:
            raise
        return absent


def _load(session: Session, data: bytes) -> dict[str, Any]:
    options = flags(start=True, consent=True, downgrade=True)
    with _descriptor(data) as fd:
        (path,) = objects.manager(session.bus, "Load", "ha{sv}", 0, options, fds=(fd,))
    return jobs.complete(session, path)


def _left(session: Session, name: str, refusal: Refusal) -> Refusal:
    """The refusal of a load, with what is left of the plugin that ran before it."""
    state = _property(session, name, "StateName", absent="not installed")
    sentence = f"{refusal.sentence}; the {name} that ran before was ended, it is {state} now"
    hint = f"mend it and try again; for the one before: exoctl plugin load {name}"
    return replace(refusal, sentence=sentence, hint=refusal.hint or hint)


@contextmanager
def _descriptor(data: bytes) -> Iterator[int]:
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.flush()
        yield file.fileno()


def _saves(directory: str) -> Iterator[None]:
    """At once, and then whenever the files have changed and come to rest."""
    seen = _stamps(directory)
    built: dict[str, tuple[int, int]] | None = None
    while True:
        before, seen = seen, _stamps(directory)
        if seen == before and seen != built:
            built = seen
            yield
        time.sleep(_POLL)


def _stamps(directory: str) -> dict[str, tuple[int, int]]:
    """path → (time of change in ns, size); a link is seen as itself."""
    stamps: dict[str, tuple[int, int]] = {}
    for place, rooms, names in os.walk(directory):
        rooms[:] = [room for room in rooms if not sources.left_out(room)]
        for name in names:
            if not sources.left_out(name):
                path = os.path.join(place, name)
                try:
                    found = os.lstat(path)
                except FileNotFoundError:
                    continue
                stamps[path] = (found.st_mtime_ns, found.st_size)
    return stamps
