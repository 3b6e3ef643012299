"""A plugin as US-004 describes one: twelve fields, and the security context that stands among them. Values only."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from exod.names import service_path
from exod.package.manifest import Manifest
from exod.package.services import Service
from exod.plan.confine import taken
from exod.supervisor.material import Judged
from exod.supervisor.plugin import Plugin


def describe(plugin: Plugin) -> Mapping[str, Any]:
    """id, name, version, type, state, process_id, security_context, limits, ipc_endpoint, metadata, times."""
    instance, version, manifest = plugin.instance, plugin.version, plugin.manifest
    return {
        "id": instance.id if instance is not None else 0,
        "name": plugin.name,
        "version": version.version if version is not None else plugin.record.version,
        "type": version.type if version is not None else "custom",
        "state": int(plugin.state),
        "process_id": instance.record.pid if instance is not None else 0,
        "security_context": _recorded(plugin, manifest),
        "limits": asdict(manifest.limits) if manifest is not None else {},
        "ipc_endpoint": _endpoint(plugin.name, manifest),
        "metadata": _metadata(manifest) if manifest is not None else {},
        "load_time": int(plugin.loaded_at),
        "last_activity": int(plugin.active_at),
    }


def accepted(judged: Judged, *, owner: str) -> Mapping[str, Any]:
    """The full security context of a package that would be accepted."""
    return {
        "accepted": True,
        "name": judged.manifest.name,
        "version": judged.manifest.version,
        "type": judged.manifest.type,
        "digest": judged.verdict.digest,
        "owner": owner or judged.verdict.signer,
        "anchor": judged.anchor,
        "reasons": list(judged.reasons),
        "findings": judged.lint.splitlines()[1:],
    } | _context(judged.manifest, signer=judged.verdict.signer, level=judged.verdict.level)


def _recorded(plugin: Plugin, manifest: Manifest | None) -> Mapping[str, Any]:
    version = plugin.version
    signer, level = (version.signer, version.level) if version is not None else ("", "")
    if manifest is None:
        return {"signature": signer, "trust_level": level}
    context = _context(manifest, signer=signer, level=level)
    if plugin.instance is None:
        return context
    held, address = plugin.instance.confinement, plugin.instance.walls.get("address", "")
    lacks = taken(manifest.permissions.asked(), held.permissions)
    return context | _reach(held.permissions, held.services) | {"withheld": _lists(lacks), "address": address}


def _context(manifest: Manifest, *, signer: str, level: str) -> dict[str, Any]:
    """capabilities (of what runs, those that are enforced), limits, who may call what, who vouches."""
    return _reach(manifest.permissions.asked(), manifest.services) | {
        "limits": asdict(manifest.limits),
        "signature": signer,
        "signer": signer,
        "trust_level": level,
        "level": level,
    }


def _reach(permissions: Mapping[str, tuple[str, ...]], services: tuple[Service, ...]) -> dict[str, Any]:
    own = {f"{one.name}.{method.name}": method.access for one in services for method in one.methods}
    return {
        "capabilities": _lists(permissions),
        "acl": {one.name: one.access for one in services} | {name: rule for name, rule in own.items() if rule},
        "services": [f"{one.interface} ({one.access})" for one in services],
    }


def _lists(permissions: Mapping[str, tuple[str, ...]]) -> dict[str, list[str]]:
    return {name: list(entries) for name, entries in permissions.items()}


def _endpoint(plugin: str, manifest: Manifest | None) -> str:
    services = manifest.services if manifest is not None else ()
    return service_path(plugin, services[0].name) if services else ""


def _metadata(manifest: Manifest) -> Mapping[str, Any]:
    plain = ("name", "version", "type", "summary", "description", "authors", "license", "api")
    return {name: getattr(manifest, name) for name in plain} | {
        "class": manifest.plugin_class,
        "dependencies": [asdict(one) for one in manifest.dependencies],
        "platform": asdict(manifest.platform),
    }
