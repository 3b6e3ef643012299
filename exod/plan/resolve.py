"""Installed versions + what is wanted → LoadOrder, or the refusal that names the dependency in the way. Pure.

Ranges are PEP 440. A dependency on a provider (`libc = "posix-x-compat"`) is never satisfied: this exod knows none
that a host provides. An optional dependency is taken when it fits and left out when it does not. resolvelib is imported
only when there is a dependency to resolve: it costs a plugin without any nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from graphlib import CycleError, TopologicalSorter

from exod.errors import Outcome, Refusal
from exod.package.manifest import Dependency
from exod.package.versions import contains, in_order


@dataclass(frozen=True, slots=True)
class Offer:
    """What can be loaded: plugin → version → its dependencies. `preferred` and `loaded` say which version, if any."""

    versions: Mapping[str, Mapping[str, tuple[Dependency, ...]]]
    preferred: Mapping[str, str] = field(default_factory=dict)
    loaded: Mapping[str, str] = field(default_factory=dict)


LoadOrder = tuple[tuple[str, str], ...]
"""(plugin, version), dependencies first; the last is the one asked for."""


def resolve(plugin: str, version: str, *, offer: Offer) -> LoadOrder | Refusal:
    """In which order to load `plugin` and what it needs. The offer contains the wanted version itself."""
    dependencies = offer.versions[plugin][version]
    if not dependencies:
        return ((plugin, version),)
    lacking = _plain_lack(plugin, dependencies, offer)
    if lacking is not None:
        return lacking
    chosen = _choose(plugin, version, offer)
    return chosen if isinstance(chosen, Refusal) else _order(plugin, chosen, offer)


def check(dependencies: Iterable[Dependency], *, offer: Offer) -> list[tuple[str, str, str, str]]:
    """(name, range or provider, status, version found); status: satisfied, missing, conflict or optional."""
    return [_status(dependency, offer) for dependency in dependencies]


def _status(dependency: Dependency, offer: Offer) -> tuple[str, str, str, str]:
    name, wanted = dependency.name, dependency.range or dependency.provider
    versions, fitting = ((), []) if dependency.provider else (offer.versions.get(name, ()), _fitting(dependency, offer))
    found = next(iter(fitting), "")
    present = found or next(iter(versions), "")
    if found:
        return (name, wanted, "satisfied", found)
    if dependency.optional:
        return (name, wanted, "optional", present)
    return (name, wanted, "conflict" if present else "missing", present)


def _fitting(dependency: Dependency, offer: Offer) -> list[str]:
    """Versions that satisfy one dependency, best first: the loaded one alone, else the preferred, else the newest."""
    name = dependency.name
    held = offer.loaded.get(name)
    versions = [held] if held is not None else in_order(offer.versions.get(name, ()))[::-1]
    inside = [version for version in versions if contains(dependency.range, version)]
    return sorted(inside, key=lambda version: version != offer.preferred.get(name))


def _plain_lack(plugin: str, dependencies: Sequence[Dependency], offer: Offer) -> Refusal | None:
    """What can be said of direct dependencies without a search, with the best words for people."""
    for dependency in dependencies:
        if dependency.name == plugin:
            return _refuse("dependency-cycle", plugin, "it depends on itself", dependency)
        name, wanted, status, found = _status(dependency, offer)
        if status == "missing":
            lack = f"from {wanted}, which is not here" if dependency.provider else f"{wanted}, which is not installed"
            return _refuse("dependency-missing", plugin, f"it needs {name} {lack}", dependency)
        if status == "conflict":
            lack = f"{wanted}, but {found} is {'loaded' if name in offer.loaded else 'installed'}"
            return _refuse("dependency-conflict", plugin, f"it needs {name} {lack}", dependency)
    return None


def _refuse(code: str, plugin: str, reason: str, dependency: Dependency) -> Refusal:
    hint = "" if dependency.provider else f"exoctl plugin install {dependency.name}_VERSION.exopkg"
    return Refusal(code, f"cannot load {plugin}: {reason}", hint, {"dependency": dependency.name}, Outcome.REFUSED)


def _choose(plugin: str, version: str, offer: Offer) -> Mapping[str, str] | Refusal:
    """plugin → version for all that is needed; optional dependencies are given up when they make it impossible."""
    from exod.plan.search import NoFitError, search

    def needs(name: str, chosen: str) -> Sequence[Dependency]:
        return offer.versions[name][chosen]

    first: NoFitError | None = None
    for optional in (True, False):
        try:
            return search(plugin, version, needs=needs, fitting=partial(_fitting, offer=offer), optional=optional)
        except NoFitError as error:
            first = first or error
    reason = f"no installed versions fit together: {first}"
    return Refusal("dependency-conflict", f"cannot load {plugin}: {reason}", "exoctl registry check " + plugin)


def _order(plugin: str, chosen: Mapping[str, str], offer: Offer) -> LoadOrder | Refusal:
    needs = {name: [one.name for one in offer.versions[name][at] if one.name in chosen] for name, at in chosen.items()}
    try:
        return tuple((name, chosen[name]) for name in TopologicalSorter(needs).static_order())
    except CycleError as error:
        circle = " → ".join(reversed(error.args[1]))  # it names each before who needs it
        return Refusal("dependency-cycle", f"cannot load {plugin}: its dependencies form a circle: {circle}")
