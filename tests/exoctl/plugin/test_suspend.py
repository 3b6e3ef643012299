from tests.exoctl.conftest import Exoctl
from tests.exoctl.fake import DONE, FakeExod, job

STATE = "suspended"


def test_suspend_calls_the_plugins_object_and_follows_its_job(exod: FakeExod, exoctl: Exoctl) -> None:
    exod.has_plugin("hello")
    exod.starts_job("Suspend")
    exod.runs(job(7, "running", Kind="suspend"), job(7, "done", Kind="suspend", Result=DONE | {"state": STATE}))
    ran = exoctl("plugin", "suspend", "hello")
    assert (ran.code, ran.out) == (0, f"hello 1.0.0 is {STATE}\n")
    assert exod.called("Suspend") == []


def test_suspend_of_a_plugin_that_is_not_installed_is_not_found(exod: FakeExod, exoctl: Exoctl) -> None:
    ran = exoctl("--json", "plugin", "suspend", "absent")
    assert (ran.code, ran.error["code"]) == (4, "unknown-plugin")
    assert ran.error["sentence"] == "cannot suspend absent: no plugin of that name is installed"


def test_a_dry_suspend_only_asks_for_the_plan(exod: FakeExod, exoctl: Exoctl) -> None:
    exod.answers["Plan"] = lambda *_: [["a step", "another"]]
    assert exoctl("--json", "plugin", "suspend", "hello", "--dry-run").json == {
        "dry_run": True,
        "steps": ["a step", "another"],
    }
    assert exod.called("Plan") == ["suspend", "hello", {}]
