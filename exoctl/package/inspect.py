"""`package inspect FILE`: what is in it and what it could reach, in plain words. Believes no signature."""

import os
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import click

from exoctl import files, reach, trustdir
from exoctl.faults import accepted
from exoctl.rating import BEST, Rating, rate
from exoctl.session import Session
from exoctl.verb import verb
from exod.errors import Refusal, Refused
from exod.package import package
from exod.package.malformed import MalformedError
from exod.package.manifest import Manifest
from exod.trust import levels
from exod.trust.scope import beyond


@verb(example="exoctl package inspect hello_1.0.0.exopkg")
@click.argument("file")
def command(session: Session, *, file: str) -> None:
    """Shows what the package FILE holds and what its plugin could reach.

    It believes no signature: who signed it, and whether that counts here, is what `package verify` says.
    """
    data = files.read(file, verb="inspect", limit=package.MAX_BYTES)
    try:
        _, body = package.split(data)
    except MalformedError as fault:
        raise Refused(fault.refusal(file, code="package-malformed")) from fault
    archive, manifest = accepted(package.read_contents(body))
    above = {level: beyond(manifest, ceiling) for level, ceiling in _levels(session).items()}
    signed = package.parse(data)
    signatures = _signatures(signed)
    if session.json_mode:
        session.printer.document(_fields(manifest, archive.files, signatures) | {"above_level": above})
        return
    _tell(session, manifest, archive.files, signatures)
    may = [level for level in above if not above[level]]
    session.printer.line(f"trust levels that may have this: {', '.join(may) or 'none'}")


def _levels(session: Session) -> levels.Levels:
    """The ceilings of this host, as its daemon would read them."""
    place = os.path.join(session.configuration, "trust.d")
    try:
        found = levels.parse(trustdir.read(place).get(levels.FILE, b""))
    except Refused as refused:
        if isinstance(refused.__cause__, FileNotFoundError):
            return levels.DEFAULTS
        found = refused.refusal
    if not isinstance(found, Refusal):
        return found
    session.printer.note(f"no level may have anything: {found.sentence}")
    return levels.NOTHING


def _signatures(signed: package.Package | Refusal) -> dict[str, Any]:
    if isinstance(signed, Refusal):
        return {"intact": False, "claimed_by": [], "reason": signed.sentence}
    claimed = [one.key_id for one in signed.envelope.signatures]
    return {"intact": True, "claimed_by": claimed, "development": signed.development, "issued": signed.payload.issued}


def _fields(manifest: Manifest, tree: Mapping[str, tuple[bytes, bool]], signatures: dict[str, Any]) -> dict[str, Any]:
    described = asdict(manifest) | {"permissions": manifest.permissions.asked()}
    sizes = {path: len(data) for path, (data, _) in tree.items()}
    said = {"reach": reach.sentences(manifest), "rating": _rating(manifest).fields()}
    return described | {"files": sizes, "signatures": signatures} | said


def _rating(manifest: Manifest) -> Rating:
    return rate(manifest.permissions.asked(), {service.name: service.access for service in manifest.services})


def _tell(
    session: Session, manifest: Manifest, tree: Mapping[str, tuple[bytes, bool]], signatures: dict[str, Any]
) -> None:
    printer = session.printer
    size = sum(len(data) for data, _ in tree.values())
    printer.pairs(
        {
            "plugin": f"{manifest.name} {manifest.version}",
            "summary": manifest.summary,
            "type": manifest.type,
            "license": manifest.license,
            "contents": f"{len(tree)} files, {size} bytes",
            "signed by": ", ".join(signatures["claimed_by"]) or "nobody",
        }
    )
    if not signatures["intact"]:
        printer.line(f"not loadable: {signatures['reason']}")
    printer.line("the plugin")
    for sentence in reach.sentences(manifest):
        printer.line(f"  - {sentence}")
    rating = _rating(manifest)
    printer.line(f"rating {rating.number} of {BEST}{': ' if rating.reasons else ''}{'; '.join(rating.reasons)}")
    if rating.line:
        printer.line(f"raised by, in plugins.d/{manifest.name}.toml: {rating.line}")
