"""A plugin's directory → the `Go` frame its sandbox would get. Checks nothing: `exoctl package build` does.

Reads package.toml only; a key that is missing raises KeyError with its name.
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from exosdk import wire

Value = bool | int | float | str


def read(directory: Path) -> dict[str, Any]:
    return tomllib.loads((directory / "package.toml").read_text("utf-8"))


def go_frame(manifest: Mapping[str, Any], *, config: Mapping[str, Value]) -> wire.Go:
    """`config` replaces defaults; a name the manifest does not have is refused."""
    defaults: dict[str, Value] = {name: option["default"] for name, option in manifest.get("config", {}).items()}
    if unknown := set(config) - set(defaults):
        raise KeyError(f"[config] has no {', '.join(sorted(unknown))}")
    package = manifest["package"]
    return wire.Go(
        protocol=wire.PROTOCOL,
        plugin=package["name"],
        version=package["version"],
        type=package["type"],
        entry=manifest["entry"]["python"],
        config=defaults | dict(config),
        permissions=_permissions(manifest.get("sandbox", {})),
        services=tuple(_service(name, table) for name, table in manifest.get("services", {}).items()),
        call_time=5.0,
    )


def _permissions(sandbox: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """A list as it stands; a switch that is on as an empty one."""
    asked = {name: value for name, value in sandbox.items() if value}
    return {name: tuple(value) if isinstance(value, list) else () for name, value in asked.items()}


def _service(name: str, table: Mapping[str, Any]) -> wire.Service:
    methods = {one: {"in": "", "out": ""} | dict(shape) for one, shape in table.get("methods", {}).items()}
    properties = {one: {"access": "read"} | dict(shape) for one, shape in table.get("properties", {}).items()}
    return wire.Service(
        name=name,
        interface=table["interface"],
        methods=tuple(wire.Method(one, shape["in"], shape["out"]) for one, shape in methods.items()),
        signals=tuple(wire.Signal(one, arguments) for one, arguments in table.get("signals", {}).items()),
        properties=tuple(wire.Property(one, shape["type"], shape["access"]) for one, shape in properties.items()),
    )
