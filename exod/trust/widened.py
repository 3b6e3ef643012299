"""Two manifests of one plugin → what the newer asks for beyond the older: the difference a person has to see."""

from dataclasses import fields

from exod.package.limits import Limits
from exod.package.manifest import Manifest
from exod.package.services import Service

_ENDLESS_AT_ZERO = ("run_time",)
"""Limits whose 0 means "without end"."""


def widened(old: Manifest, new: Manifest) -> tuple[str, ...]:
    """One phrase a difference; empty when the newer asks for nothing more."""
    phrases = [f"type {old.type} → {new.type}"] if old.type != new.type else []
    if old.entry.kind != new.entry.kind:
        phrases.append(f"entry {old.entry.kind} → {new.entry.kind}")
    if new.critical and not old.critical:
        phrases.append("critical")
    return (*phrases, *_permissions(old, new), *_limits(old.limits, new.limits), *_services(old, new))


def _permissions(old: Manifest, new: Manifest) -> list[str]:
    before = old.permissions.asked()
    return [
        f"{permission} {entry}"
        for permission, entries in new.permissions.asked().items()
        for entry in entries
        if entry not in before.get(permission, ())
    ]


def _limits(old: Limits, new: Limits) -> list[str]:
    phrases = []
    for row in fields(Limits):
        before, after = getattr(old, row.name), getattr(new, row.name)
        if row.name in _ENDLESS_AT_ZERO:
            before, after = before or float("inf"), after or float("inf")
        if after > before:
            phrases.append(f"{row.name.replace('_', '-')} {before} → {after}")
    return phrases


def _services(old: Manifest, new: Manifest) -> list[str]:
    before = {(service.name, service.interface): service.access for service in old.services}
    return [
        f"service {service.name} ({service.interface}) for {service.access}"
        for service in new.services
        if _opens(before.get((service.name, service.interface)), service)
    ]


def _opens(before: str | None, service: Service) -> bool:
    """A service that is new, or that others than before may call; closing one to root asks for nothing."""
    return before is None or (before != service.access and service.access != "root")
