"""`plugin call PLUGIN METHOD [ARGUMENTS]`: a service's method, with words for values."""

from typing import Any

import click

from exoctl import services, values
from exoctl.objects import plain, require_installed, require_name
from exoctl.printer import dumps
from exoctl.session import Session
from exoctl.verb import verb
from exod.errors import Refused


@verb(example="exoctl plugin call echo Echo hello", writes=True, waits=True)
@click.argument("plugin")
@click.argument("method", metavar="METHOD")
@click.argument("words", metavar="[ARGUMENTS]...", nargs=-1)
def command(session: Session, *, plugin: str, method: str, words: tuple[str, ...]) -> None:
    """Calls METHOD (or SERVICE.METHOD) of PLUGIN. Text and numbers are written as they are, containers in JSON.

    Put -- before arguments that start with a dash.
    """
    require_name(plugin, verb="call")
    try:
        found = services.find(session.bus, plugin, method)
    except Refused as error:
        if error.refusal.code == "unknown-method":
            require_installed(session.bus, plugin, verb="call")
        raise
    body = values.arguments(found.takes, words, subject=f"{found} of {plugin}")
    if session.dry_run:
        shown = ", ".join(dumps(plain(value)) for value in body)
        session.plan([f"call {found.interface}.{found.name}({shown}) at {found.path}"])
        return
    answer = session.bus.call(found.path, found.interface, found.name, found.takes, body, deadline=session.timeout)
    _show(session, [plain(value) for value in answer])


def _show(session: Session, results: list[Any]) -> None:
    if session.json_mode:
        session.printer.document(results[0] if len(results) == 1 else results or None)
        return
    for result in results:
        session.printer.text(result) if isinstance(result, str) else session.printer.line(dumps(result))
