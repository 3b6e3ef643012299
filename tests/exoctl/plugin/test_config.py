import pytest

from exoctl.codec import Variant
from exoctl.objects import plain
from tests.exoctl.conftest import Exoctl
from tests.exoctl.fake import DONE, FakeExod, job


@pytest.fixture
def hello(exod: FakeExod) -> FakeExod:
    exod.has_plugin("hello")
    present = {"interval": Variant("d", 1.0), "name": Variant("s", "x"), "loud": Variant("b", False)}
    exod.answers["GetConfig"] = lambda *_: [present]
    exod.starts_job("Configure")
    exod.runs(job(7, "done", Kind="configure", Result=DONE))
    return exod


def test_without_settings_the_present_ones_are_shown(hello: FakeExod, exoctl: Exoctl) -> None:
    assert exoctl("plugin", "config", "hello").out == "interval: 1.0\nname:     x\nloud:     false\n"
    assert exoctl("--json", "plugin", "config", "hello").json == {"interval": 1.0, "name": "x", "loud": False}


def test_a_setting_takes_the_type_of_the_one_in_force(hello: FakeExod, exoctl: Exoctl) -> None:
    assert exoctl("plugin", "config", "hello", "interval=2", "name=true", "loud=true", "new=5").code == 0
    (sent,) = hello.called("Configure")
    assert {key: (value.signature, value.value) for key, value in sent.items()} == {
        "interval": ("d", 2.0),
        "name": ("s", "true"),
        "loud": ("b", True),
        "new": ("x", 5),
    }


def test_a_dry_change_is_planned(hello: FakeExod, exoctl: Exoctl) -> None:
    hello.answers["Plan"] = lambda *_: [["set config"]]
    assert exoctl("--json", "plugin", "config", "hello", "interval=2", "--dry-run").json["steps"] == ["set config"]
    verb, name, options = hello.called("Plan")
    assert (verb, name, list(options)) == ("configure", "hello", ["values"])
    assert plain(options) == {"values": {"interval": 2.0}}


@pytest.mark.parametrize("setting", ["interval", "=5"])
def test_what_is_no_pair_is_a_mistake(hello: FakeExod, exoctl: Exoctl, setting: str) -> None:
    assert exoctl("--json", "plugin", "config", "hello", setting).code == 2


def test_a_word_of_the_wrong_type_is_a_mistake(hello: FakeExod, exoctl: Exoctl) -> None:
    error = exoctl("--json", "plugin", "config", "hello", "interval=often").error
    assert (error["code"], error["sentence"]) == ("usage", "cannot configure hello: interval is a number, not often")
