"""Which version of each plugin: resolvelib's backtracking search over the installed versions. Imported when needed."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from resolvelib import AbstractProvider, BaseReporter, ResolutionImpossible, Resolver
from resolvelib.resolvers import ResolutionTooDeep

from exod.package.manifest import Dependency

ROUNDS = 1000
"""A search that has not ended by then is refused: manifests come from strangers."""

Needs = Callable[[str, str], Sequence[Dependency]]
Fitting = Callable[[Dependency], Sequence[str]]
"""Needs: of one version of one plugin. Fitting: the versions that satisfy a dependency, best first."""


class NoFitError(Exception):
    """No choice of versions satisfies every range; the text names the ranges in the way."""


class Pick(NamedTuple):
    name: str
    version: str


_Found = Mapping[str, Iterator[Any]]


class _Provider(AbstractProvider[Any, Any, str]):
    def __init__(self, *, needs: Needs, fitting: Fitting, optional: bool) -> None:
        self._needs = needs
        self._fitting = fitting
        self._optional = optional

    def identify(self, requirement_or_candidate: Any) -> str:
        return str(requirement_or_candidate.name)

    def get_preference(self, identifier: str, *_: Any, **__: Any) -> str:
        return identifier

    def find_matches(self, identifier: str, requirements: _Found, incompatibilities: _Found) -> Iterable[Pick]:
        wanted = list(requirements[identifier])
        bad = {pick.version for pick in incompatibilities[identifier]}
        fits = [self._versions(one) for one in wanted]
        common = [version for version in fits[0] if all(version in other for other in fits)]
        return [Pick(identifier, version) for version in common if version not in bad]

    def is_satisfied_by(self, requirement: Any, candidate: Any) -> bool:
        return candidate.version in self._versions(requirement)

    def get_dependencies(self, candidate: Any) -> Iterable[Dependency]:
        needed = self._needs(candidate.name, candidate.version)
        return [one for one in needed if not one.provider and self._wanted(one)]

    def _wanted(self, dependency: Dependency) -> bool:
        return not dependency.optional or (self._optional and bool(self._fitting(dependency)))

    def _versions(self, requirement: Any) -> Sequence[str]:
        return [requirement.version] if isinstance(requirement, Pick) else self._fitting(requirement)


def search(plugin: str, version: str, *, needs: Needs, fitting: Fitting, optional: bool) -> Mapping[str, str]:
    """plugin → version. Raises NoFitError."""
    provider = _Provider(needs=needs, fitting=fitting, optional=optional)
    resolver: Resolver[Any, Any, str] = Resolver(provider, BaseReporter())
    try:
        result = resolver.resolve([Pick(plugin, version)], max_rounds=ROUNDS)
    except ResolutionImpossible as error:
        raise NoFitError(_words(error.causes)) from None
    except ResolutionTooDeep:
        raise NoFitError(f"the search did not end in {ROUNDS} rounds") from None
    return {name: pick.version for name, pick in result.mapping.items()}


def _words(causes: Iterable[Any]) -> str:
    ranges = sorted({f"{cause.requirement.name} {getattr(cause.requirement, 'range', '')}".strip() for cause in causes})
    return ", ".join(ranges)
