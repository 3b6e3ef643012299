"""Which traces are a development daemon's: DIR → what the finder of residue finds of it now.

Development daemons beside each other have the same uids unless DIR/etc/exod.toml gives them others, so that only then
what belongs to a uid counts.
"""

from pathlib import Path

from exod.brokers.doctor.residue import Scope, Trace, look
from exod.sandbox.groups import place
from exod.settings import Settings, parse

_NOBODY = -1


def scope(directory: Path) -> Scope:
    settings = settings_of(directory)
    uids = (settings.uid_first, settings.uid_last, settings.keeper_uid)
    if settings.uid_first == Settings().uid_first:
        uids = (_NOBODY, _NOBODY, _NOBODY)
    return Scope(*uids, group=place(directory=directory), places=(directory,), own=False, named=True)


def settings_of(directory: Path) -> Settings:
    file = directory / "etc/exod.toml"
    settings = parse(file.read_bytes() if file.exists() else None)
    assert isinstance(settings, Settings), settings.sentence
    return settings


def traces(directory: Path) -> frozenset[Trace]:
    """Processes, the daemon and its bus included, namespaces, groups, mounts, shared memory, sockets."""
    return look(scope(directory))


def left(directory: Path) -> list[str]:
    """What a daemon that has ended still holds on this host, in words."""
    return [f"{trace.kind} {trace.what}" for trace in sorted(traces(directory))]
