"""`package lint FILE|DIR`: what exod's lint finds, file:line, with the reason and what to do instead."""

import os

import click

from exoctl import building, files, linting, sources
from exoctl.faults import accepted
from exoctl.session import Session
from exoctl.verb import verb
from exod.brokers.lint import findings
from exod.errors import Refused
from exod.package import package
from exod.package.malformed import MalformedError


@verb(example="exoctl package lint hello")
@click.argument("what", metavar="FILE|DIR")
def command(session: Session, *, what: str) -> None:
    """Looks at the code of a package FILE, or of a plugin's DIR, as exod does before it loads one.

    An error refuses the load, unless the administrator of a host says otherwise in plugins.d; a warning is only shown.
    Exit code 3 when there are errors. Clean code may still be hostile: that is what the sandbox is for.
    """
    archive, manifest = accepted(package.read_contents(_body(what)))
    found = linting.look(manifest, archive.files)
    if session.json_mode:
        session.printer.document({"findings": [linting.document(one) for one in found]})
    for one in () if session.json_mode else found:
        session.printer.line(f"{one.path}:{one.line}: {one.about.severity}: {one.what} [{one.rule}]")
        session.printer.line(f"    {one.about.why}; instead: {one.about.instead}")
    if (refusal := findings.refusal(manifest.name, manifest.version, found)) is not None:
        raise Refused(refusal)
    if not found and not session.json_mode:
        session.printer.line(f"{manifest.name} {manifest.version}: nothing found")


def _body(what: str) -> bytes:
    if os.path.isdir(what):
        return accepted(building.build(sources.read(what)))
    try:
        return package.split(files.read(what, verb="lint", limit=package.MAX_BYTES))[1]
    except MalformedError as fault:
        raise Refused(fault.refusal(what, code="package-malformed")) from fault
