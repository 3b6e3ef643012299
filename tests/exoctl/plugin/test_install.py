from pathlib import Path

from tests.exoctl.conftest import Exoctl
from tests.exoctl.fake import DONE, FakeExod, job


def test_a_package_is_stored_and_nothing_started(exod: FakeExod, exoctl: Exoctl, tmp_path: Path) -> None:
    package = tmp_path / "hello.exopkg"
    package.write_bytes(b"bytes")
    exod.starts_job("Install")
    exod.runs(job(7, "done", Kind="install", Result=DONE | {"state": "unloaded"}))
    ran = exoctl("plugin", "install", str(package), "--consent")
    assert (ran.code, ran.out) == (0, "hello 1.0.0 is unloaded\n")
    assert {name: value.value for name, value in exod.called("Install")[1].items()} == {"consent": True}
    assert exod.uploads == [b"bytes"]


def test_a_dry_install_is_planned_as_an_install(exod: FakeExod, exoctl: Exoctl, tmp_path: Path) -> None:
    package = tmp_path / "hello.exopkg"
    package.write_bytes(b"bytes")
    exod.answers["PlanPackage"] = lambda *_: [["store"]]
    assert exoctl("plugin", "install", str(package), "--dry-run").out == "would, in this order:\n  1. store\n"
    assert exod.called("PlanPackage")[0] == "install"
