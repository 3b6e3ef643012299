from collections.abc import Callable
from pathlib import Path

import pytest

from exoctl import devkey, jobs, scaffold
from exoctl.codec import Variant
from exoctl.plugin import try_
from exod.errors import Outcome, Refusal
from exod.package import package
from tests.exoctl.conftest import Exoctl
from tests.exoctl.fake import DONE, FakeExod, job


@pytest.fixture
def hello(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    dev = tmp_path / "dev"
    for place in (dev, dev / "keys", dev / "etc", dev / "etc/trust.d"):
        place.mkdir(mode=0o700)
    (dev / devkey.MARKER).write_text("")
    monkeypatch.setenv("EXOD_DEV_DIR", str(dev))
    top = tmp_path / "hello"
    for path, text in scaffold.files("hello", kind="custom").items():
        (top / path).parent.mkdir(parents=True, exist_ok=True)
        (top / path).write_text(text)
    return top


@pytest.fixture
def daemon(exod: FakeExod) -> FakeExod:
    exod.answers["Reload"] = lambda *_: [[]]
    exod.answers["Validate"] = lambda *_: [{"accepted": Variant("b", True)}]
    exod.starts_job("Load", "Unload")
    exod.runs(job(7, "done", Result=DONE))
    return exod


def members(exod: FakeExod) -> list[str]:
    return [member for _, member, _ in exod.calls]


def test_source_becomes_a_running_instance(daemon: FakeExod, exoctl: Exoctl, hello: Path) -> None:
    assert exoctl("plugin", "try", str(hello)).out == "hello 0.1.0 is running, instance 7\n"
    assert members(daemon) == ["Reload", "Validate", "Load"]
    made = package.parse(daemon.uploads[-1])
    assert isinstance(made, package.Package)
    assert made.development


def test_what_runs_is_replaced_and_trust_written_only_once(daemon: FakeExod, exoctl: Exoctl, hello: Path) -> None:
    exoctl("plugin", "try", str(hello))
    daemon.has_plugin("hello")
    daemon.calls.clear()
    assert exoctl("--json", "plugin", "try", str(hello)).json["instance"] == "7"
    assert members(daemon) == ["Validate", "Unload", "Load"]


def looks(monkeypatch: pytest.MonkeyPatch, *between: Callable[[], None]) -> None:
    """What happens between two looks at the files; then Ctrl-C."""
    left = list(between)

    def sleep(seconds: float) -> None:
        if not left:
            raise KeyboardInterrupt
        left.pop(0)()

    monkeypatch.setattr(try_.time, "sleep", sleep)


def nothing() -> None:
    pass


def test_a_save_is_built_once_it_has_come_to_rest(
    daemon: FakeExod, exoctl: Exoctl, hello: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = hello / "code/hello.py"

    def save() -> None:
        code.write_text(code.read_text() + "\n")

    looks(monkeypatch, nothing, save, save, nothing, nothing)
    ran = exoctl("--json", "plugin", "try", str(hello), "--watch")
    assert (ran.code, len(ran.lines)) == (0, 2)
    assert members(daemon).count("Load") == 2


def test_a_save_that_does_not_build_is_told_and_the_next_one_may(
    daemon: FakeExod, exoctl: Exoctl, hello: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = hello / "package.toml"
    good = manifest.read_text()

    def break_it() -> None:
        manifest.write_text("broken")

    def mend_it() -> None:
        manifest.write_text(good)

    looks(monkeypatch, break_it, nothing, mend_it, nothing)
    ran = exoctl("--json", "plugin", "try", str(hello), "--watch")
    assert [("error" in line) for line in ran.lines] == [False, True, False]


def test_a_daemon_that_is_gone_ends_the_watch(exoctl: Exoctl, hello: Path, bus: str) -> None:
    ran = exoctl("--json", "--address", bus, "plugin", "try", str(hello), "--watch")
    assert ran.code == 6


def test_a_plugin_whose_state_cannot_be_asked_is_not_replaced(daemon: FakeExod, exoctl: Exoctl, hello: Path) -> None:
    refusal = Refusal("slow", "cannot answer: slow", outcome=Outcome.FAILED)
    original = daemon._properties

    def properties(path: str, interface: str) -> object:
        if interface.endswith("Plugin"):
            raise try_.Refused(refusal)
        return original(path, interface)

    daemon._properties = properties  # type: ignore[method-assign,assignment]
    assert exoctl("--json", "plugin", "try", str(hello)).error["code"] == "slow"


def test_a_job_that_is_refused_is_refused(daemon: FakeExod, exoctl: Exoctl, hello: Path) -> None:
    daemon.runs(job(7, "refused", Refusal=Refusal("x", "cannot load hello: y").fields()))
    assert exoctl("--json", "plugin", "try", str(hello)).code == 3


def test_a_dry_run_says_the_whole_way(exoctl: Exoctl, hello: Path) -> None:
    steps = exoctl("--json", "plugin", "try", str(hello), "--dry-run").json["steps"]
    assert steps[-1] == "load and start hello 0.1.0 as a new instance"


def test_files_that_come_and_go_are_no_error(hello: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(try_.os, "lstat", lambda path: (_ for _ in ()).throw(FileNotFoundError))
    assert try_._stamps(str(hello)) == {}


def test_production_is_not_for_trying(exoctl: Exoctl, hello: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EXOD_DEV_DIR")
    assert exoctl("--json", "plugin", "try", str(hello)).code == 2


def judged(exod: FakeExod, code: str) -> None:
    hint, evidence = "exoctl plugin load hello_0.1.0.exopkg --consent", {"name": "hello", "version": "0.1.0"}
    refusal = Refusal(code, "cannot load hello 0.1.0: so it is", hint, evidence)
    context = {"accepted": Variant("b", False), "refusal": Variant("a{ss}", refusal.fields())}
    exod.answers["Validate"] = lambda *_: [context]
    exod.has_plugin("hello")


def test_what_runs_goes_on_when_exod_would_not_take_the_new_one(daemon: FakeExod, exoctl: Exoctl, hello: Path) -> None:
    judged(daemon, "not-built")
    ran = exoctl("--json", "plugin", "try", str(hello))
    assert (ran.code, ran.error["code"]) == (3, "not-built")
    assert members(daemon) == ["Reload", "Validate"]


def test_a_name_that_another_signer_owns_is_taken_only_with_consent(
    daemon: FakeExod, exoctl: Exoctl, hello: Path
) -> None:
    judged(daemon, "owner-differs")
    daemon.answers["PlanPackage"] = lambda *_: [[]]
    assert exoctl("--json", "plugin", "try", str(hello)).error["hint"] == f"exoctl plugin try {hello} --consent"
    assert members(daemon)[-1] == "Validate"
    assert exoctl("plugin", "try", str(hello), "--consent").code == 0
    assert members(daemon)[-4:] == ["Validate", "PlanPackage", "Unload", "Load"]


def test_another_signers_package_of_the_same_version_is_never_replaced(
    daemon: FakeExod, exoctl: Exoctl, hello: Path
) -> None:
    judged(daemon, "owner-differs")
    daemon.has_plugin("hello", Versions=["0.1.0"])
    ran = exoctl("--json", "plugin", "try", str(hello), "--consent")
    assert (ran.code, ran.error["code"]) == (3, "version-differs")
    assert members(daemon)[-1] == "Validate"


def test_what_comes_behind_a_consent_is_found_before_anything_is_ended(
    daemon: FakeExod, exoctl: Exoctl, hello: Path
) -> None:
    judged(daemon, "widened")
    daemon.refuses("PlanPackage", Refusal("not-built", "cannot load hello: network"))
    assert exoctl("--json", "plugin", "try", str(hello)).error["code"] == "not-built"
    assert "Unload" not in members(daemon)


def test_a_load_that_fails_after_all_says_what_is_left(daemon: FakeExod, exoctl: Exoctl, hello: Path) -> None:
    daemon.has_plugin("hello")
    daemon.starts_job("Load", number=8)
    daemon.runs(job(8, "failed", Refusal=Refusal("x", "cannot start hello: it raised").fields()), number=8)

    def unload(*_: object) -> list[str]:
        daemon.has_plugin("hello", State=0, StateName="unloaded")
        return ["/org/exoos/Exod1/job/7"]

    daemon.answers["Unload"] = unload
    error = exoctl("--json", "plugin", "try", str(hello)).error
    assert error["sentence"] == (
        "cannot start hello: it raised; the hello that ran before was ended, it is unloaded now"
    )
    assert error["hint"].endswith("exoctl plugin load hello")


def test_whoever_interrupts_is_told_how_to_watch_the_job(
    daemon: FakeExod, exoctl: Exoctl, hello: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(jobs, "_until_end", interrupt)
    ran = exoctl("plugin", "try", str(hello))
    assert (ran.code, ran.err) == (130, "job 7 goes on; watch it with: exoctl job watch 7\n")
