from tests.exoctl.conftest import Exoctl
from tests.exoctl.fake import DONE, FakeExod, job

STATE = "running"


def test_enable_calls_the_plugins_object_and_follows_its_job(exod: FakeExod, exoctl: Exoctl) -> None:
    exod.has_plugin("hello")
    exod.starts_job("Enable")
    exod.runs(job(7, "running", Kind="enable"), job(7, "done", Kind="enable", Result=DONE | {"state": STATE}))
    ran = exoctl("plugin", "enable", "hello")
    assert (ran.code, ran.out) == (0, f"hello 1.0.0 is {STATE}\n")
    assert exod.called("Enable") == []


def test_enable_of_a_plugin_that_is_not_installed_is_not_found(exod: FakeExod, exoctl: Exoctl) -> None:
    ran = exoctl("--json", "plugin", "enable", "absent")
    assert (ran.code, ran.error["code"]) == (4, "unknown-plugin")
    assert ran.error["sentence"] == "cannot enable absent: no plugin of that name is installed"


def test_a_dry_enable_only_asks_for_the_plan(exod: FakeExod, exoctl: Exoctl) -> None:
    exod.answers["Plan"] = lambda *_: [["a step", "another"]]
    assert exoctl("--json", "plugin", "enable", "hello", "--dry-run").json == {
        "dry_run": True,
        "steps": ["a step", "another"],
    }
    assert exod.called("Plan") == ["enable", "hello", {}]
