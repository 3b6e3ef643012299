"""Load order, and what stands in the way of one."""

import subprocess
import sys

import pytest

from exod.errors import Refusal
from exod.package.manifest import Dependency
from exod.plan.resolve import LoadOrder, Offer, check, resolve

Versions = dict[str, dict[str, tuple[Dependency, ...]]]


def on(name: str, span: str = "", *, provider: str = "", optional: bool = False) -> Dependency:
    return Dependency(name, span, provider, optional)


def refused(found: LoadOrder | Refusal) -> Refusal:
    assert isinstance(found, Refusal)
    return found


def test_a_plugin_without_dependencies_loads_alone() -> None:
    assert resolve("a", "1", offer=Offer({"a": {"1": ()}})) == (("a", "1"),)


def test_resolvelib_is_not_imported_for_a_plugin_without_dependencies() -> None:
    script = (
        "import sys; from exod.plan.resolve import Offer, resolve;"
        "resolve('a', '1', offer=Offer({'a': {'1': ()}})); print('resolvelib' in sys.modules)"
    )
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "False"


def test_dependencies_come_first_and_deepest_first() -> None:
    versions: Versions = {"a": {"1": (on("b"), on("c"))}, "b": {"1": (on("c"),)}, "c": {"1": ()}}
    assert resolve("a", "1", offer=Offer(versions)) == (("c", "1"), ("b", "1"), ("a", "1"))


def test_the_newest_version_that_fits_is_taken() -> None:
    versions: Versions = {"a": {"1": (on("b", "<2"),)}, "b": {"1.0": (), "1.5": (), "2.0": ()}}
    assert resolve("a", "1", offer=Offer(versions)) == (("b", "1.5"), ("a", "1"))


def test_the_version_chosen_to_run_is_preferred_to_a_newer_one() -> None:
    versions: Versions = {"a": {"1": (on("b"),)}, "b": {"1.0": (), "2.0": ()}}
    offer = Offer(versions, preferred={"b": "1.0"})
    assert resolve("a", "1", offer=offer) == (("b", "1.0"), ("a", "1"))


def test_a_loaded_version_is_the_only_one() -> None:
    versions: Versions = {"a": {"1": (on("b", ">=2"),)}, "b": {"1.0": (), "2.0": ()}}
    found = refused(resolve("a", "1", offer=Offer(versions, loaded={"b": "1.0"})))
    assert found.code == "dependency-conflict"
    assert "1.0 is loaded" in found.sentence


def test_an_older_version_is_taken_when_the_newest_needs_what_is_not_here() -> None:
    versions: Versions = {"a": {"1": (on("b"),)}, "b": {"1": (), "2": (on("zzz"),)}}
    assert resolve("a", "1", offer=Offer(versions)) == (("b", "1"), ("a", "1"))


def test_a_missing_dependency_is_named() -> None:
    found = refused(resolve("a", "1", offer=Offer({"a": {"1": (on("b", ">=1"),)}})))
    assert (found.code, found.sentence) == (
        "dependency-missing",
        "cannot load a: it needs b >=1, which is not installed",
    )


def test_a_conflict_names_what_is_installed() -> None:
    versions: Versions = {"a": {"1": (on("b", ">=2"),)}, "b": {"1": ()}}
    assert refused(resolve("a", "1", offer=Offer(versions))).code == "dependency-conflict"


def test_two_dependents_that_cannot_agree_are_a_conflict() -> None:
    versions: Versions = {"a": {"1": (on("b"), on("c", "<2"))}, "b": {"1": (on("c", ">=2"),)}, "c": {"1": (), "2": ()}}
    found = refused(resolve("a", "1", offer=Offer(versions)))
    assert found.code == "dependency-conflict"
    assert "c" in found.sentence


def test_depending_on_itself_is_refused() -> None:
    assert refused(resolve("a", "1", offer=Offer({"a": {"1": (on("a"),)}}))).code == "dependency-cycle"


def test_a_circle_is_refused_and_shown() -> None:
    versions: Versions = {"a": {"1": (on("b"),)}, "b": {"1": (on("c"),)}, "c": {"1": (on("a"),)}}
    found = refused(resolve("a", "1", offer=Offer(versions)))
    assert (found.code, "a → b → c → a" in found.sentence) == ("dependency-cycle", True)


def test_an_optional_dependency_is_taken_when_it_fits() -> None:
    versions: Versions = {"a": {"1": (on("b", optional=True),)}, "b": {"1": ()}}
    assert resolve("a", "1", offer=Offer(versions)) == (("b", "1"), ("a", "1"))


@pytest.mark.parametrize("versions", [{}, {"b": {"1": ()}}])
def test_an_optional_dependency_that_does_not_fit_is_left_out(versions: Versions) -> None:
    offer = Offer({"a": {"1": (on("b", ">=2", optional=True),)}, **versions})
    assert resolve("a", "1", offer=offer) == (("a", "1"),)


def test_an_optional_dependency_that_spoils_the_rest_is_given_up() -> None:
    versions: Versions = {
        "a": {"1": (on("b", optional=True), on("c", "<2"))},
        "b": {"1": (on("c", ">=2"),)},
        "c": {"1": (), "2": ()},
    }
    assert resolve("a", "1", offer=Offer(versions)) == (("c", "1"), ("a", "1"))


def test_a_provider_is_refused_by_name() -> None:
    versions: Versions = {"a": {"1": (on("libc", provider="posix-x-compat"),)}}
    found = refused(resolve("a", "1", offer=Offer(versions)))
    assert (found.code, "posix-x-compat" in found.sentence) == ("dependency-missing", True)


def test_check_gives_each_dependency_one_of_the_four_statuses() -> None:
    versions: Versions = {"b": {"1": ()}, "c": {"1": ()}, "e": {"1": ()}}
    needed = (on("b", ">=1"), on("c", ">=2"), on("d"), on("e", ">=2", optional=True), on("f", optional=True))
    assert check(needed, offer=Offer(versions)) == [
        ("b", ">=1", "satisfied", "1"),
        ("c", ">=2", "conflict", "1"),
        ("d", "", "missing", ""),
        ("e", ">=2", "optional", "1"),
        ("f", "", "optional", ""),
    ]
