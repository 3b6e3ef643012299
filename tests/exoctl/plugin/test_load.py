from pathlib import Path

from exod.errors import Refusal
from tests.exoctl.conftest import Exoctl
from tests.exoctl.fake import DONE, FakeExod, job


def test_a_file_is_passed_as_a_descriptor_and_started(exod: FakeExod, exoctl: Exoctl, tmp_path: Path) -> None:
    package = tmp_path / "hello_1.0.0.exopkg"
    package.write_bytes(b"EXOPKG1\nbytes")
    exod.starts_job("Load")
    exod.runs(job(7, "running"), job(7, "done", Progress=100, Result=DONE))
    ran = exoctl("plugin", "load", str(package))
    assert (ran.code, ran.out) == (0, "hello 1.0.0 is running\n")
    assert exod.uploads == [b"EXOPKG1\nbytes"]
    assert {name: value.value for name, value in exod.called("Load")[1].items()} == {"start": True}


def test_a_name_loads_what_is_installed(exod: FakeExod, exoctl: Exoctl) -> None:
    exod.has_plugin("hello")
    exod.starts_job("Load")
    exod.runs(job(7, "done", Result=DONE))
    assert exoctl("plugin", "load", "hello", "--no-start", "--version", "1.0.0").code == 0
    assert {name: value.value for name, value in exod.called("Load")[0].items()} == {"version": "1.0.0"}


def test_options_reach_exod_by_name(exod: FakeExod, exoctl: Exoctl, tmp_path: Path) -> None:
    package = tmp_path / "x.exopkg"
    package.write_bytes(b"x")
    exod.starts_job("Load")
    exod.runs(job(7, "done", Result=DONE))
    exoctl("plugin", "load", str(package), "--no-start", "--no-enable", "--downgrade", "--consent")
    options = {name: value.value for name, value in exod.called("Load")[1].items()}
    assert options == {"enable": False, "downgrade": True, "consent": True}


def test_a_refused_job_is_the_verbs_refusal_with_its_exit_code(exod: FakeExod, exoctl: Exoctl, tmp_path: Path) -> None:
    package = tmp_path / "x.exopkg"
    package.write_bytes(b"x")
    refusal = Refusal("signer-unknown", "cannot load x: nobody signed it", "exoctl key trust", {"signer": "none"})
    exod.starts_job("Load")
    exod.runs(job(7, "running"), job(7, "refused", Refusal=refusal.fields()))
    ran = exoctl("--json", "plugin", "load", str(package))
    assert ran.code == 3
    assert ran.error == {
        "code": "signer-unknown",
        "sentence": "cannot load x: nobody signed it",
        "hint": "exoctl key trust",
        "evidence": {"signer": "none"},
        "outcome": "refused",
    }


def test_a_dry_run_sends_the_package_to_the_planner_only(exod: FakeExod, exoctl: Exoctl, tmp_path: Path) -> None:
    package = tmp_path / "x.exopkg"
    package.write_bytes(b"x")
    exod.answers["PlanPackage"] = lambda *_: [["store package x 1.0.0", "spawn"]]
    ran = exoctl("plugin", "load", str(package), "--dry-run", "--json")
    assert ran.json == {"dry_run": True, "steps": ["store package x 1.0.0", "spawn"]}
    assert [member for _, member, _ in exod.calls] == ["PlanPackage"]


def test_a_file_that_is_not_there_is_not_found(exoctl: Exoctl) -> None:
    ran = exoctl("--json", "plugin", "load", "./absent.exopkg")
    assert (ran.code, ran.error["code"]) == (4, "no-such-file")


def test_a_directory_is_no_package(exoctl: Exoctl, tmp_path: Path) -> None:
    assert exoctl("--json", "plugin", "load", str(tmp_path)).code == 2
