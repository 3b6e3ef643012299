"""`package.toml`: bytes → Manifest, or the refusal that names the key and its line.

Strict: unknown keys are refused. One table of fields validates and writes the JSON Schema. Executes nothing.
"""

from dataclasses import dataclass

from exod.package.limits import Limits
from exod.package.options import Option
from exod.package.permissions import Permissions
from exod.package.services import Service


@dataclass(frozen=True, slots=True)
class Platform:
    arch: tuple[str, ...] = ()
    kernel: str = ""
    features: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """`kind` is python, wasm or elf; `target` is MODULE:CLASS for python, else a path in the archive."""

    kind: str
    target: str


@dataclass(frozen=True, slots=True)
class Dependency:
    """`range` is a PEP 440 specifier set, or "" where `provider` names what has to be provided."""

    name: str
    range: str = ""
    provider: str = ""
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Manifest:
    name: str
    version: str
    type: str
    summary: str
    license: str
    entry: Entry
    plugin_class: str = ""
    description: str = ""
    authors: tuple[str, ...] = ()
    api: int = 1
    critical: bool = False
    platform: Platform = Platform()
    binary: tuple[tuple[str, str | bool], ...] = ()
    dependencies: tuple[Dependency, ...] = ()
    permissions: Permissions = Permissions()
    limits: Limits = Limits()
    config: tuple[Option, ...] = ()
    services: tuple[Service, ...] = ()
