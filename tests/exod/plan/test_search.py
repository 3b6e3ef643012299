"""The search by itself: what it chooses, and how it says that there is nothing to choose."""

from collections.abc import Sequence

import pytest

from exod.package.manifest import Dependency
from exod.plan import search as room
from exod.plan.search import NoFitError, search

WORLD: dict[str, dict[str, tuple[Dependency, ...]]] = {
    "a": {"1": (Dependency("b"), Dependency("libc", provider="x"))},
    "b": {"1": (), "2": (Dependency("c"),)},
}


def needs(name: str, version: str) -> Sequence[Dependency]:
    return WORLD[name][version]


def fitting(dependency: Dependency) -> Sequence[str]:
    return sorted(WORLD.get(dependency.name, ()), reverse=True)


def test_it_steps_back_from_a_version_whose_needs_cannot_be_met() -> None:
    assert search("a", "1", needs=needs, fitting=fitting, optional=True) == {"a": "1", "b": "1"}


def test_what_stands_in_the_way_is_named() -> None:
    with pytest.raises(NoFitError, match="c"):
        search("b", "2", needs=needs, fitting=fitting, optional=True)


def test_a_search_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "ROUNDS", 1)
    with pytest.raises(NoFitError, match="did not end"):
        search("a", "1", needs=needs, fitting=fitting, optional=True)
