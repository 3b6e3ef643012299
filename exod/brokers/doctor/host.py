"""What a look starts from: where this exod keeps its things, whose they are, and what other rooms have to be asked."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from exod import layout as layouts
from exod.errors import Refusal, Refused
from exod.layout import Layout
from exod.settings import Settings


class Found(Protocol):
    """Files of a directory that are believed, and a refusal for each other."""

    @property
    def files(self) -> Sequence[tuple[str, bytes]]: ...
    @property
    def refusals(self) -> Sequence[Refusal]: ...


class Reads(Protocol):
    def __call__(self, path: Path, *, suffix: str = ".toml") -> Found: ...


class Places(Protocol):
    def __call__(self, *, directory: Path | None) -> Path: ...


@dataclass(frozen=True, slots=True)
class Ports:
    """What other rooms of the daemon know; nothing is asked before a probe needs it.

    settings: those in force, or why there are none. place: the DIR of `exod --dev`, or None → where instances' cgroups
    stand; raises Refused without cgroup v2. read: a directory of configuration.
    record: the state directory and an entry for its audit; raises Refused while a daemon has that open.
    """

    settings: Callable[[Layout], Settings | Refusal]
    place: Places
    read: Reads
    record: Callable[[Path, Mapping[str, str]], None]


@dataclass(frozen=True, slots=True)
class Host:
    """As ports answered; `group` is None without cgroup v2. now: seconds since the epoch."""

    layout: Layout
    settings: Settings | Refusal
    group: Path | None
    now: float
    ports: Ports

    @property
    def chosen(self) -> Settings:
        """The settings, or what they are when none can be read."""
        return self.settings if isinstance(self.settings, Settings) else Settings()


def look(directory: Path | None, ports: Ports, *, now: float) -> Host:
    """The host of `exod --dev` DIR, or of production."""
    layout = layouts.production() if directory is None else layouts.development(directory)
    try:
        group = ports.place(directory=directory)
    except Refused:
        group = None
    return Host(layout, ports.settings(layout), group, now, ports)
