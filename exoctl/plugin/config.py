"""`plugin config PLUGIN [KEY=VALUE…]`: read, or set, its configuration."""

from typing import Any

import click

from exoctl import lifecycle, values
from exoctl.codec import Variant
from exoctl.faults import usage
from exoctl.jobs import submit
from exoctl.objects import plain, plugin, require_name
from exoctl.printer import dumps
from exoctl.session import Session
from exoctl.verb import verb
from exod.errors import Refused


@verb(example="exoctl plugin config hostpulse interval=0.5", job=True)
@click.argument("name", metavar="PLUGIN")
@click.argument("settings", metavar="[KEY=VALUE]...", nargs=-1)
def command(session: Session, *, name: str, settings: tuple[str, ...]) -> None:
    """Shows PLUGIN's configuration, or changes it; a loaded plugin is told at once."""
    require_name(name, verb="configure")
    pairs = [_pair(name, setting) for setting in settings]
    (present,) = plugin(session.bus, name, "GetConfig", verb="configure")
    if not pairs:
        _show(session, plain(present))
        return
    wanted = {key: values.setting(key, word, like=present.get(key), plugin=name) for key, word in pairs}
    if session.dry_run:
        options = {"values": Variant("a{sv}", wanted)}
        session.plan(lifecycle.plan(session, name, verb="configure", options=options))
        return
    submit(session, lambda bus: str(plugin(bus, name, "Configure", "a{sv}", wanted, verb="configure")[0]))


def _pair(name: str, setting: str) -> tuple[str, str]:
    key, equals, word = setting.partition("=")
    if not key or not equals:
        raise Refused(usage(f"cannot configure {name}: {setting} is not KEY=VALUE"))
    return key, word


def _show(session: Session, present: dict[str, Any]) -> None:
    if session.json_mode:
        session.printer.document(present)
    else:
        words = {key: value if isinstance(value, str) else dumps(value) for key, value in present.items()}
        session.printer.pairs(words)
