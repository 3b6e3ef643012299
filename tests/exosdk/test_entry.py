"""What makes a plugin usable, and the reason when it is not."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from exosdk import hooks, wire
from exosdk.context import Context
from exosdk.entry import UnusableError, check, load, make, register, text
from exosdk.hooks import hookimpl

GO = wire.Go(1, "p", "1.0", "custom", "m:C", {}, {}, (), 5.0)
CONTEXT = Context(GO, state_dir="", send=lambda _: None)


@pytest.fixture
def code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    sys.modules.pop("entry_under_test", None)


def write(code: Path, source: str) -> str:
    (code / "entry_under_test.py").write_text(source)
    return "entry_under_test:Plugin"


def code_of(error: pytest.ExceptionInfo[UnusableError]) -> str:
    return error.value.code


def test_an_entry_names_a_module_and_a_class(code: Path) -> None:
    assert load(write(code, "class Plugin: ...")).__name__ == "Plugin"


@pytest.mark.parametrize("source", ["1/0", "import nowhere_to_be_found", "class Plugin(: ...", "raise OSError('no')"])
def test_a_module_that_cannot_be_imported_is_unusable(code: Path, source: str) -> None:
    with pytest.raises(UnusableError) as caught:
        load(write(code, source))
    assert code_of(caught) == "entry-not-importable"


@pytest.mark.parametrize("source", ["", "Plugin = 3", "def Plugin(): ..."])
def test_a_module_without_the_class_is_unusable(code: Path, source: str) -> None:
    with pytest.raises(UnusableError) as caught:
        load(write(code, source))
    assert code_of(caught) == "entry-not-a-class"


class Taking:
    def __init__(self, context: Context) -> None:
        self.context = context


class Plain:
    pass


class Failing:
    def __init__(self) -> None:
        raise RuntimeError("no luck")


def test_a_class_is_made_with_the_context_or_with_nothing() -> None:
    taking = make(Taking, context=CONTEXT)
    assert isinstance(taking, Taking)
    assert taking.context is CONTEXT
    assert isinstance(make(Plain, context=CONTEXT), Plain)


def test_a_class_that_cannot_be_made_is_unusable() -> None:
    with pytest.raises(UnusableError, match="RuntimeError: no luck") as caught:
        make(Failing, context=CONTEXT)
    assert code_of(caught) == "entry-raised"


class Driver:
    @hookimpl
    def start(self) -> None: ...

    @hookimpl
    def device_added(self, device: Any) -> None: ...


class Misspelt:
    @hookimpl
    def strat(self) -> None: ...


class WrongArgument:
    @hookimpl
    def start(self, speed: int) -> None: ...


def test_the_hooks_it_implements_are_known_by_name() -> None:
    assert register(hooks.manager(), Driver(), plugin_type="device-driver") == ("device_added", "start")


@pytest.mark.parametrize(
    ("plugin", "code"),
    [(Misspelt(), "hook-unknown"), (WrongArgument(), "hook-unknown"), (Driver(), "hook-of-another-type")],
)
def test_a_hook_that_this_type_does_not_have_is_unusable(plugin: object, code: str) -> None:
    with pytest.raises(UnusableError) as caught:
        register(hooks.manager(), plugin, plugin_type="custom")
    assert code_of(caught) == code


def service(*members: Any, name: str = "s") -> wire.Service:
    kinds = {
        kind: tuple(one for one in members if isinstance(one, kind))
        for kind in (wire.Method, wire.Signal, wire.Property)
    }
    return wire.Service(name, "a.b", kinds[wire.Method], kinds[wire.Signal], kinds[wire.Property])


class Serving:
    level = 1

    def __init__(self) -> None:
        self.name = "x"

    def two(self, left: int, right: "str", /) -> None: ...

    def more(self, left: int, right: int = 0) -> None: ...

    def keyword(self, *, left: int) -> None: ...

    @property
    def fixed(self) -> int:
        raise AssertionError("nobody asked")


@pytest.mark.parametrize(
    "declared",
    [
        service(wire.Method("Two", "is", "")),
        service(wire.Method("More", "i", ""), wire.Method("Two", "us", "")),
        service(wire.Property("Level", "i", "readwrite"), wire.Property("Name", "s", "read")),
        service(wire.Property("Fixed", "i", "read")),
    ],
)
def test_members_that_are_as_declared_are_usable(declared: wire.Service) -> None:
    check(Serving(), [declared])


@pytest.mark.parametrize(
    ("declared", "code"),
    [
        (service(wire.Method("Three", "", "")), "method-missing"),
        (service(wire.Method("Level", "", "")), "method-missing"),
        (service(wire.Method("Two", "i", "")), "method-differs"),
        (service(wire.Method("Two", "iss", "")), "method-differs"),
        (service(wire.Method("Two", "ss", "")), "method-differs"),
        (service(wire.Method("Two", "ii", "")), "method-differs"),
        (service(wire.Method("Keyword", "i", "")), "method-differs"),
        (service(wire.Property("Colour", "s", "read")), "property-missing"),
        (service(wire.Property("Fixed", "i", "readwrite")), "property-differs"),
    ],
)
def test_members_that_differ_from_the_manifest_are_unusable(declared: wire.Service, code: str) -> None:
    with pytest.raises(UnusableError) as caught:
        check(Serving(), [declared])
    assert code_of(caught) == code


def test_a_member_that_two_services_declare_is_unusable() -> None:
    twice = [service(wire.Signal("Moved", ""), name="a"), service(wire.Signal("Moved", ""), name="b")]
    with pytest.raises(UnusableError) as caught:
        check(Serving(), twice)
    assert code_of(caught) == "member-twice"


class UnreadableError(Exception):
    def __str__(self) -> str:
        raise RuntimeError


def test_the_words_of_an_exception_are_short_and_always_there() -> None:
    assert text(ValueError("x" * 1000)) == "x" * 500
    assert "cannot be read" in text(UnreadableError())
