"""What a scope covers, and nothing beside it."""

import pytest

from exod.package import manifest
from exod.package.manifest import Manifest
from exod.trust.scope import Scope, beyond, spelt
from tests.builders import manifest_toml


def asking(more: str = "", **package: str) -> Manifest:
    found = manifest.parse(manifest_toml(more=more, **package))
    assert isinstance(found, Manifest)
    return found


@pytest.mark.parametrize(("label", "name"), [("net", "net"), ("net-", "net-core"), ("net-", "net-core-x"), ("*", "x")])
def test_a_label_covers_its_name_or_what_begins_with_it(label: str, name: str) -> None:
    assert Scope((label,)).lacks(asking(name=name)) == ""


@pytest.mark.parametrize(
    ("label", "name"), [("net", "netcore"), ("net", "net-core"), ("net-", "netcore"), ("net-", "net"), ("net", "ne")]
)
def test_a_label_covers_no_neighbour(label: str, name: str) -> None:
    assert "scope is" in Scope((label,)).lacks(asking(name=name))


def test_types_are_all_or_those_listed() -> None:
    custom = asking(name="x", type="custom")
    assert Scope(("x",)).lacks(custom) == Scope(("x",), ("ai-model", "custom")).lacks(custom) == ""
    assert Scope(("x",), ("ai-model",)).lacks(custom) == "types are ai-model"


def test_nothing_is_below_an_empty_ceiling() -> None:
    more = '[sandbox]\nfilesystem = ["read-only:/proc/stat"]\nprocesses = true\n'
    assert spelt(beyond(asking(more), {})) == "filesystem:read-only:/proc/stat, processes"
    assert beyond(asking(), {}) == {}


@pytest.mark.parametrize(
    ("entry", "covered"),
    [
        ("read-only:/proc/stat", True),
        ("read-only:/proc/*", True),
        ("read-only:*", True),
        ("*", True),
        ("read-write:/proc/stat", False),
        ("read-only:/proc/sta", False),
        ("read-only:/etc/*", False),
    ],
)
def test_an_entry_of_the_ceiling_is_exact_or_a_prefix(entry: str, covered: bool) -> None:
    asked = asking('[sandbox]\nfilesystem = ["read-only:/proc/stat"]\n')
    assert (beyond(asked, {"filesystem": (entry,)}) == {}) is covered


@pytest.mark.parametrize(
    ("label", "covered"),
    [
        ("org.example.", True),
        ("org.example.Hello1", True),
        ("org.example", False),
        ("org.exam", False),
        ("net.", False),
    ],
)
def test_an_interface_lies_below_a_prefix_that_ends_at_a_dot(label: str, covered: bool) -> None:
    hello = asking('[services.hello]\ninterface = "org.example.Hello1"\n')
    assert (Scope(("hello",), interfaces=(label,)).lacks(hello) == "") is covered


def test_a_scope_is_shown_as_people_write_it() -> None:
    assert str(Scope(("hello", "sensor-"))) == "hello, sensor-*"
