"""`package.toml`: bytes → Manifest, or the refusal that names the key and its line.

Strict: unknown keys are refused. One table of fields validates and writes the JSON Schema. Executes nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from exod.errors import Refusal
from exod.names import PLUGIN_TYPES, is_name
from exod.package import limits, options, permissions, services
from exod.package.document import read
from exod.package.fields import (
    Checked,
    Choice,
    Field,
    Flag,
    Kind,
    List,
    Name,
    Named,
    Shown,
    Table,
    Text,
    VersionText,
    Whole,
    wrong,
)
from exod.package.limits import Limits
from exod.package.malformed import MalformedError
from exod.package.options import Option
from exod.package.permissions import Permissions
from exod.package.services import Service
from exod.package.versions import RANGE_MAX, RANGE_PATTERN, is_range

MAX_BYTES = 64 << 10
DEPENDENCIES_MAX = 64


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


def parse(data: bytes) -> Manifest | Refusal:
    try:
        manifest: Manifest = read(data, _TABLE, limit=MAX_BYTES, too_large="manifest-too-large", hostile=True)
    except MalformedError as fault:
        return fault.refusal("package.toml", code="manifest-malformed")
    return manifest


def schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of `package.toml`, from the same table that `parse` uses."""
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "package.toml of exod"}
    return head | _TABLE.schema()


def _manifest(*, package: dict[str, Any], **top: Any) -> Manifest:
    manifest = Manifest(**package, **top)
    for dependency in manifest.dependencies:
        if dependency.name == manifest.name:
            raise wrong(f"dependencies.{dependency.name}", "a package cannot depend on itself")
    return manifest


_IDENTIFIER = "[A-Za-z_][A-Za-z0-9_]*"


class _Entry:
    """Exactly one of python, wasm, elf."""

    _TARGETS: Mapping[str, Kind] = {
        "python": Text(rf"{_IDENTIFIER}(?:\.{_IDENTIFIER})*:{_IDENTIFIER}", what="MODULE:CLASS"),
        "wasm": Text(r"code/[A-Za-z0-9._/-]+\.wasm", what="a path such as code/main.wasm"),
        "elf": Text(r"code/[A-Za-z0-9._/-]+", what="a path such as code/main"),
    }

    def read(self, value: object, *, at: str) -> Entry:
        if not isinstance(value, dict) or len(value) != 1 or not set(value) <= set(self._TARGETS):
            raise wrong(at, f"expected exactly one of {', '.join(self._TARGETS)}")
        [(kind, target)] = value.items()
        return Entry(kind, self._TARGETS[kind].read(target, at=f"{at}.{kind}"))

    def schema(self) -> dict[str, Any]:
        targets = {kind: target.schema() for kind, target in self._TARGETS.items()}
        bounds = {"minProperties": 1, "maxProperties": 1}
        return {"type": "object", "properties": targets, "additionalProperties": False} | bounds


class _Dependency:
    """A range, a provider's name, or a table of either with `optional`."""

    def read(self, value: object, *, at: str) -> dict[str, Any]:
        if isinstance(value, str):
            return {"range": value} if is_range(value) else {"provider": _PROVIDER.read(value, at=at)}
        row: dict[str, Any] = _DEPENDENCY.read(value, at=at)
        if bool(row["range"]) == bool(row["provider"]):
            raise wrong(at, "expected either a version or a provider")
        return row

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [_RANGE.schema(), _PROVIDER.schema(), _DEPENDENCY.schema()]}


_WORD = r"[a-z0-9][a-z0-9_]*(?:[.-][a-z0-9_]+)*"
_RANGE = Checked(is_range, what="a version range", longest=RANGE_MAX, pattern=RANGE_PATTERN)
_PROVIDER = Checked(is_name, what="a version range or a provider's name")
_DEPENDENCY = Table(
    Field("version", _RANGE, default="", to="range"),
    Field("provider", _PROVIDER, default=""),
    Field("optional", Flag(), default=False),
)
_PLATFORM = Table(
    Field("arch", List(Text(_WORD, what="a machine such as x86_64", longest=32), most=16), default=()),
    Field("kernel", _RANGE, default=""),
    Field("features", List(Text(_WORD, what="a feature's name", longest=63), most=32), default=()),
    build=Platform,
)
_PACKAGE = Table(
    Field("name", Name()),
    Field("version", VersionText()),
    Field("summary", Shown(160)),
    Field("description", Shown(4096, lines=True), default=""),
    Field("authors", List(Shown(128), most=32), default=()),
    Field("license", Text(r"[A-Za-z0-9.+() -]+", what="an SPDX expression", longest=128)),
    Field("type", Choice(*PLUGIN_TYPES)),
    Field("class", Name(), default="", to="plugin_class", help="of devices, for a driver"),
    Field("api", Whole(1, 65535), default=1, help="the least plugin API it needs"),
    Field("critical", Flag(), default=False, help="asks to be restarted after a crash"),
    Field("platform", _PLATFORM, default=Platform()),
)
_BINARY = Table(
    Field("type", Choice("elf", "wasm")),
    Field("strip", Flag(), default=False),
    Field("lto", Flag(), default=False),
    build=lambda **row: tuple(sorted(row.items())),
)
_DEPENDENCIES = Named(Name(), _Dependency(), lambda name, row: Dependency(name, **row), most=DEPENDENCIES_MAX)
_TABLE = Table(
    Field("package", _PACKAGE),
    Field("entry", _Entry()),
    Field("binary", _BINARY, default=()),
    Field("dependencies", _DEPENDENCIES, default=()),
    Field("sandbox", permissions.TABLE, default=Permissions(), to="permissions"),
    Field("limits", limits.TABLE, default=Limits()),
    Field("config", options.TABLE, default=()),
    Field("services", services.TABLE, default=()),
    build=_manifest,
)
