from exod.errors import Outcome, Refusal
from exod.names import plugin_path
from tests.exoctl.conftest import Exoctl
from tests.exoctl.fake import FakeExod


def test_a_plugin_is_found_by_name(exod: FakeExod, exoctl: Exoctl) -> None:
    exod.has_plugin("hello")
    exod.answers["Find"] = lambda _, name: [plugin_path(name)]
    assert exoctl("--json", "registry", "find", "hello").json["summary"] == "says hello"


def test_plugins_are_found_by_type(exod: FakeExod, exoctl: Exoctl) -> None:
    exod.has_plugin("hello")
    exod.answers["ListByType"] = lambda *_: [[plugin_path("hello")]]
    assert "says hello" in exoctl("registry", "find", "--type", "custom").out
    exod.answers["ListByType"] = lambda *_: [[]]
    assert exoctl("registry", "find", "--type", "ai-model").out == "no plugin of type ai-model is installed\n"


def test_what_is_not_installed_is_not_found(exod: FakeExod, exoctl: Exoctl) -> None:
    exod.refuses("Find", Refusal("unknown", "cannot find x: nothing", outcome=Outcome.NOT_FOUND))
    assert exoctl("--json", "registry", "find", "absent").error["code"] == "unknown-plugin"


def test_other_refusals_are_passed_on(exod: FakeExod, exoctl: Exoctl) -> None:
    exod.refuses("Find", Refusal("busy", "cannot find x: busy", outcome=Outcome.FAILED))
    assert exoctl("--json", "registry", "find", "absent").error["code"] == "busy"


def test_a_name_or_a_type_has_to_be_said(exoctl: Exoctl) -> None:
    assert exoctl("--json", "registry", "find").code == 2
