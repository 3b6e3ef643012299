"""Services of other plugins, over links."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from exosdk import hooks, nesting, wire
from exosdk.context import Context, mail
from exosdk.message import DATA_REQUEST, Kind
from exosdk.remote import Proxy, plain
from exosdk.serving import Serving
from exosdk.signature import MalformedError
from exosdk.testing import FakeClock
from tests.exosdk import instances
from tests.exosdk.instances import fresh_imports
from tests.exosdk.post_office import Office, Plugin

METHODS = (
    wire.Method("Greet", "s", "s"),
    wire.Method("Pair", "ii", "ii"),
    wire.Method("Fail", "s", ""),
    wire.Method("Nothing", "", ""),
)
SERVICE = wire.Service("greeter", "a.b", METHODS, (wire.Signal("Greeted", "s"),), ())
GO = wire.Go(3, "bob", "1", "custom", "greeter_plugin:Greeter", {"word": "hello"}, {"ipc": ("ada",)}, (SERVICE,), 5.0)


@pytest.fixture
def bob(office: Office, monkeypatch: pytest.MonkeyPatch) -> Iterator[Plugin]:
    """He offers the greeter, and allows all of it but Nothing."""
    monkeypatch.syspath_prepend(str(Path(instances.__file__).parent))
    with fresh_imports("greeter_plugin"):
        context = Context(GO, state_dir="", send=lambda _: None, clock=FakeClock())
        Serving(GO, context=context, manager=hooks.manager())
        made, served = office.plugin("bob"), mail(context)
        assert served is not None
        made.mail.on_call = served.on_call
        made.calls = ("greeter.Greet", "greeter.Pair", "greeter.Fail")
        yield made


class Caller:
    """Ada, and what she was told."""

    def __init__(self, office: Office) -> None:
        self.office, self.plugin = office, office.plugin("ada")
        self.told: list[tuple[Any, str]] = []

    def call(self, method: str, *arguments: Any, to: str = "bob") -> tuple[Any, str]:
        proxy = Proxy(to, request=self.plugin.mail.request)
        getattr(proxy, method)(*arguments, then=lambda value, refused: self.told.append((value, refused)))
        self.office.run()
        return self.told.pop()


@pytest.fixture
def ada(office: Office) -> Caller:
    return Caller(office)


@pytest.mark.parametrize("to", ["bob", "bob/greeter"])
def test_a_method_is_called_with_its_arguments_and_gives_its_result(ada: Caller, bob: Plugin, to: str) -> None:
    assert ada.call("Greet", "Ada", to=to) == ("hello Ada", "")
    assert ada.call("Pair", 1, 2, to=to) == ([2, 1], "")


def test_large_arguments_and_results_are_lent(ada: Caller, bob: Plugin) -> None:
    assert ada.call("Greet", "a" * 3000) == ("hello " + "a" * 3000, "")


@pytest.mark.usefixtures("bob")
def test_what_exod_did_not_allow_is_refused_whatever_the_service_declares(ada: Caller) -> None:
    assert ada.call("Nothing") == (None, "PermissionError: ada may not call greeter.Nothing")


def test_calls_that_come_out_of_a_link_after_its_rules_changed_are_refused(
    ada: Caller, bob: Plugin, office: Office
) -> None:
    assert ada.call("Greet", "Ada") == ("hello Ada", "")
    Proxy("bob", request=ada.plugin.mail.request).Greet("x", then=lambda *told: ada.told.append(told))
    office.part(office.between(ada.plugin, bob), "access-changed")
    office.run()
    assert ada.told == [(None, "PermissionError: ada may not call greeter.Greet")]


def test_what_the_caller_did_wrong_is_not_in_the_log_of_who_was_called(ada: Caller, bob: Plugin) -> None:
    for method in ("Nothing", "Gone", "Greet"):
        ada.call(method)
    assert bob.raised == []
    ada.call("Fail", "caller")
    assert len(bob.raised) == 1


@pytest.mark.usefixtures("bob")
@pytest.mark.parametrize(
    ("method", "arguments", "reason"),
    [
        ("Greet", (), "MalformedError: there are 0 values, declared are 1"),
        ("Greet", (1,), "MalformedError: a value is not of the declared type s"),
        ("Pair", (1, 1 << 31), "MalformedError: a value is not of the declared type i"),
        ("Gone", (), "MalformedError: there is no such method"),
        ("Fail", ("caller",), "RuntimeError: ('plugin:ada', -1)"),
        ("Fail", ("unsendable",), "MalformedError: the method returned 1 values, the manifest declares 0"),
    ],
)
def test_what_goes_wrong_over_there_is_the_reason_here(
    ada: Caller, method: str, arguments: tuple[Any, ...], reason: str
) -> None:
    assert ada.call(method, *arguments) == (None, reason)


@pytest.mark.usefixtures("bob")
def test_a_service_that_is_not_offered_has_no_methods(ada: Caller) -> None:
    assert ada.call("Greet", "x", to="bob/other") == (None, "MalformedError: there is no such method")


def test_a_result_of_another_type_than_declared_is_not_given(ada: Caller, bob: Plugin) -> None:
    sys.modules["greeter_plugin"].Greeter.greet = lambda self, name: 5
    assert ada.call("Greet", "x") == (None, "MalformedError: a value is not of the declared type s")


@pytest.mark.parametrize(
    "data", [b"", b"\xc1", bytes(wire.pack({"a": 1})), bytes(wire.pack(["", "Greet"])), b"\x91" * 99]
)
def test_bytes_that_are_no_call_are_a_fault(ada: Caller, bob: Plugin, data: bytes) -> None:
    how: dict[str, Any] = {"type_": DATA_REQUEST, "priority": "normal", "seconds": None, "kind": Kind.CALL}
    ada.plugin.mail.request("bob", data, lambda *told: ada.told.append(told), **how)
    ada.office.run()
    ((value, reason),) = ada.told
    assert value is None
    assert reason.startswith("MalformedError")


@pytest.mark.parametrize(("answer", "told"), [([], None), ([1], 1), ([1, 2], [1, 2])])
def test_results_are_none_one_or_several(ada: Caller, office: Office, answer: Any, told: Any) -> None:
    office.plugin("bob").mail.on_call = lambda _link, _data: bytes(wire.pack(answer))
    assert ada.call("Anything") == (told, "")


def test_an_answer_that_is_no_list_is_none(ada: Caller, office: Office) -> None:
    office.plugin("bob").mail.on_call = lambda _link, _data: bytes(wire.pack({"a": 1}))
    assert ada.call("Anything") == (None, "the answer is no list of results")


def test_an_answer_that_is_no_value_is_told(ada: Caller, office: Office) -> None:
    office.plugin("bob").mail.on_call = lambda _link, _data: b"\xc1"
    assert ada.call("Anything") == (None, "the answer cannot be read: the message holds an extension type")
    assert ada.plugin.raised == []


def test_a_plugin_without_services_says_so(ada: Caller, office: Office) -> None:
    office.plugin("bob")
    assert ada.call("Anything") == (None, "it has no services")


def test_only_names_of_methods_are_methods(ada: Caller) -> None:
    proxy = Proxy("bob", request=ada.plugin.mail.request)
    for name in ("greet", "_private", "__len__"):
        with pytest.raises(AttributeError, match="is no name of a D-Bus method"):
            getattr(proxy, name)


def test_what_is_lent_is_not_what_was_checked_once_it_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    lent = bytearray(bytes(wire.pack(["a"])))
    monkeypatch.setattr(nesting, "check", lambda _: lent.__setitem__(slice(None), b"\x91\xa1b"))
    assert (plain(memoryview(lent)), bytes(lent)) == (["a"], b"\x91\xa1b")


def test_a_value_that_is_too_deep_is_not_read() -> None:
    with pytest.raises(MalformedError, match="nested deeper"):
        plain(b"\x91" * 50 + b"\xc0")
