import pytest

from exod.names import ROOT_PATH, service_path
from tests.exoctl.conftest import Exoctl
from tests.exoctl.fake import FakeExod

HELLO = """<node><interface name="org.freedesktop.DBus.Introspectable"><method name="Introspect"/></interface>
<interface name="org.example.Hello1">
<method name="Greet"><arg type="s" direction="in"/><arg type="s" direction="out"/></method>
<method name="Sum"><arg type="ai" direction="in"/><arg type="d" direction="in"/>
<arg type="d" direction="out"/><arg type="a{sv}" direction="out"/></method>
<method name="Rest"/></interface></node>"""
OTHER = '<node><interface name="org.example.Other1"><method name="Rest"/></interface></node>'


@pytest.fixture
def hello(exod: FakeExod) -> FakeExod:
    root = f"{ROOT_PATH}/service/hello"
    exod.has_plugin("hello")
    exod.introspection = {
        root: '<node><node name="hello"/><node name="say_more"/></node>',
        service_path("hello", "hello"): HELLO,
        service_path("hello", "say-more"): OTHER,
    }
    exod.answers["Greet"] = lambda _, name: [f"hello {name}"]
    exod.answers["Sum"] = lambda _, numbers, scale: [sum(numbers) * scale, {}]
    exod.answers["Rest"] = lambda _: []
    return exod


def test_a_method_is_found_by_its_name_alone(hello: FakeExod, exoctl: Exoctl) -> None:
    assert exoctl("plugin", "call", "hello", "Greet", "Ada").out == "hello Ada\n"


def test_words_become_values_of_the_signature(hello: FakeExod, exoctl: Exoctl) -> None:
    assert exoctl("--json", "plugin", "call", "hello", "hello.Sum", "[1, 2]", "1.5").json == [4.5, {}]
    assert hello.called("Sum") == [[1, 2], 1.5]


def test_arguments_that_start_with_a_dash_come_after_two(hello: FakeExod, exoctl: Exoctl) -> None:
    assert exoctl("plugin", "call", "hello", "Greet", "--", "--json").out == "hello --json\n"


def test_two_services_with_the_method_have_to_be_told_apart(hello: FakeExod, exoctl: Exoctl) -> None:
    ran = exoctl("--json", "plugin", "call", "hello", "Rest")
    assert (ran.code, ran.error["hint"]) == (2, "say hello.Rest or say-more.Rest")
    assert exoctl("--json", "plugin", "call", "hello", "say-more.Rest").json is None


def test_a_method_nobody_offers_is_not_found_and_the_others_are_named(hello: FakeExod, exoctl: Exoctl) -> None:
    ran = exoctl("--json", "plugin", "call", "hello", "Fly")
    assert (ran.code, ran.error["code"]) == (4, "unknown-method")
    assert ran.error["hint"] == "it offers hello.Greet, hello.Sum, hello.Rest, say-more.Rest"


def test_a_plugin_that_offers_nothing_now_is_said_so(exod: FakeExod, exoctl: Exoctl) -> None:
    exod.has_plugin("hello")
    ran = exoctl("plugin", "call", "hello", "Fly")
    assert (ran.code, ran.err.splitlines()[1]) == (4, "next: exoctl plugin load hello")


@pytest.mark.parametrize(
    "words", [["[1,2]"], ["{}", "1"], ["[1, true]", "1"], ['["x"]', "1"], ["[NaN]", "1"], ["[1", "1"]]
)
def test_words_that_do_not_fit_are_a_mistake_of_the_caller(hello: FakeExod, exoctl: Exoctl, words: list[str]) -> None:
    ran = exoctl("--json", "plugin", "call", "hello", "Sum", *words)
    assert (ran.code, ran.error["code"]) == (2, "usage")
    assert hello.calls == []


def test_a_plugin_that_is_not_installed_is_said_so(exod: FakeExod, exoctl: Exoctl) -> None:
    assert exoctl("--json", "plugin", "call", "hello", "Fly").error["code"] == "unknown-plugin"


def test_a_dry_call_says_what_would_be_called(hello: FakeExod, exoctl: Exoctl) -> None:
    (step,) = exoctl("--json", "plugin", "call", "hello", "Greet", "Ada", "--dry-run").json["steps"]
    assert step == 'call org.example.Hello1.Greet("Ada") at /org/exoos/Exod1/service/hello/hello'
    assert hello.calls == []
