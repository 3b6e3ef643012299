from tests.exoctl.conftest import Exoctl
from tests.exoctl.fake import FakeExod, job


def test_remove_asks_the_manager_and_purges_only_when_told(exod: FakeExod, exoctl: Exoctl) -> None:
    exod.starts_job("Remove")
    exod.runs(job(7, "done", Kind="remove"))
    ran = exoctl("plugin", "remove", "hello", "--purge")
    assert (ran.code, ran.out) == (0, "hello is removed\n")
    name, options = exod.called("Remove")
    assert (name, options["purge"].value) == ("hello", True)


def test_a_dry_remove_shows_what_would_go(exod: FakeExod, exoctl: Exoctl) -> None:
    exod.answers["Plan"] = lambda *_: [["drop package hello 1.0.0"]]
    assert "1. drop package hello 1.0.0" in exoctl("plugin", "remove", "hello", "--dry-run").out


def test_a_name_that_no_plugin_can_have_is_a_mistake(exoctl: Exoctl) -> None:
    ran = exoctl("--json", "plugin", "remove", "../etc")
    assert (ran.code, ran.error["code"]) == (2, "usage")
