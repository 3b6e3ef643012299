"""Two manifests of one plugin → what the newer asks for beyond the older: the difference that needs consent. Pure."""

from dataclasses import fields

from exod.errors import Refusal
from exod.package.limits import Limits
from exod.package.manifest import Manifest
from exod.plan.confine import asked_for

_ZERO_IS_UNLIMITED = ("run_time",)


def widened(old: Manifest, new: Manifest) -> tuple[str, ...]:
    """One phrase per difference that gives more: type, permissions, limits, services."""
    phrases: list[str] = []
    if new.type != old.type:
        phrases.append(f"type {old.type} → {new.type}")
    before = asked_for(old.permissions)
    for name, entries in asked_for(new.permissions).items():
        phrases.extend(f"{name} {entry}" for entry in entries if entry not in before[name])
    if old.permissions.strict and not new.permissions.strict:
        phrases.append("a sandbox that is not strict")
    if new.critical and not old.critical:
        phrases.append("critical")
    phrases.extend(_limits(old.limits, new.limits))
    phrases.extend(_services(old, new))
    return tuple(phrases)


def consent(old: Manifest, new: Manifest) -> Refusal | None:
    """Why `new` may not follow `old` unasked; None when it asks for nothing more."""
    phrases = widened(old, new)
    if not phrases:
        return None
    difference = "; ".join(phrases)
    return Refusal(
        "needs-consent",
        f"cannot install {new.name} {new.version}: it asks for more than {old.version}: {difference}",
        f"exoctl plugin install {new.name}_{new.version}.exopkg --consent",
        {"difference": difference},
    )


def _limits(old: Limits, new: Limits) -> list[str]:
    phrases = []
    for row in fields(Limits):
        before, after = getattr(old, row.name), getattr(new, row.name)
        if row.name in _ZERO_IS_UNLIMITED:
            wider = before != after and (after == 0 or (before != 0 and after > before))
        else:
            wider = after > before
        if wider:
            phrases.append(f"{row.name.replace('_', '-')} {before} → {after}")
    return phrases


def _services(old: Manifest, new: Manifest) -> list[str]:
    """A service that is new, has another interface, or may be called by others."""
    before = {service.name: service for service in old.services}
    phrases = []
    for service in new.services:
        known = before.get(service.name)
        if known is None or known.interface != service.interface:
            phrases.append(f"service {service.interface}")
        elif known.access != service.access:
            phrases.append(f"service {service.interface} for {service.access}")
    return phrases
