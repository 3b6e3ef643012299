from pathlib import Path
from typing import Any

import pytest

from exoctl.trustfiles import everything
from exod.trust import anchors
from tests.exoctl.conftest import Exoctl, Key
from tests.exoctl.fake import FakeExod


def anchor(trust_d: Path, name: str = "lab") -> anchors.Anchor:
    found = anchors.parse((trust_d / f"{name}.toml").read_bytes(), name=name)
    assert isinstance(found, anchors.Anchor), found
    return found


def words(key: Key, trust_d: Path, *more: str) -> tuple[str, ...]:
    return (
        "key",
        "trust",
        str(key.public),
        "--name",
        "lab",
        "--scope",
        "hello,lab-*",
        "--trust-dir",
        str(trust_d),
        *more,
    )


@pytest.mark.usefixtures("no_daemon")
def test_an_anchor_says_no_more_than_was_asked_for(exoctl: Exoctl, key: Key, trust_d: Path) -> None:
    told = exoctl("--json", *words(key, trust_d)).json
    assert told == {
        "name": "lab", "key_id": key.id, "scope": "hello, lab-*", "level": "trusted", "reloaded": False, "changes": [],
    }  # fmt: skip
    made = anchor(trust_d)
    assert (made.scope.names, made.scope.types, dict(made.scope.ceiling), made.scope.interfaces) == (
        ("hello", "lab-"), (), {}, (),
    )  # fmt: skip
    assert (trust_d / "lab.toml").stat().st_mode & 0o777 == 0o644
    assert [path.name for path in trust_d.iterdir()] == ["lab.toml"]


@pytest.mark.usefixtures("no_daemon")
def test_what_may_be_asked_for_is_spelt_out(exoctl: Exoctl, key: Key, trust_d: Path) -> None:
    more = ("--allow", "filesystem=read-only:/proc/*", "--allow", "filesystem=read-only:/etc/os-release")
    more += ("--allow", "processes", "--types", "custom,ai-model", "--interface", "org.example.", "--level", "vendor")
    assert exoctl(*words(key, trust_d, *more, "--expires-days", "1")).code == 0
    made = anchor(trust_d)
    assert dict(made.scope.ceiling) == {
        "filesystem": ("read-only:/proc/*", "read-only:/etc/os-release"),
        "processes": ("true",),
    }
    assert (made.level, made.scope.types, made.scope.interfaces) == (
        "vendor",
        ("custom", "ai-model"),
        ("org.example.",),
    )
    assert made.expires is not None


@pytest.mark.usefixtures("no_daemon")
def test_all_is_all(exoctl: Exoctl, key: Key, trust_d: Path) -> None:
    exoctl(*words(key, trust_d, "--allow", "all"))
    assert dict(anchor(trust_d).scope.ceiling) == dict(everything())
    exoctl(*words(key, trust_d, "--name", "lob", "--allow", "filesystem=all"))
    assert dict(anchor(trust_d, "lob").scope.ceiling) == {"filesystem": ("*",)}


BAD: list[tuple[str, ...]] = [
    ("--name", "../lab"),
    ("--name", "revoked"),
    ("--name", "levels"),
    ("--name", "Lab"),
    ("--scope", "lab*"),
    ("--scope", "*"),
    ("--types", "toaster"),
    ("--allow", "everything"),
    ("--allow", "processes=yes"),
    ("--allow", "filesystem"),
    ("--interface", "org"),
    ("--allow", "filesystem=read-only:/etc/pass*"),
]


@pytest.mark.usefixtures("no_daemon")
@pytest.mark.parametrize("more", BAD, ids=" ".join)
def test_what_would_be_no_anchor_is_not_written(exoctl: Exoctl, key: Key, trust_d: Path, more: tuple[str, ...]) -> None:
    ran = exoctl("--json", *words(key, trust_d, *more))
    assert ran.code in (2, 3), ran
    assert list(trust_d.iterdir()) == []


@pytest.mark.usefixtures("no_daemon")
def test_an_anchor_never_replaces_another(exoctl: Exoctl, key: Key, trust_d: Path) -> None:
    (trust_d / "lab.toml").write_text("mine")
    assert exoctl("--json", *words(key, trust_d)).code == 2
    assert (trust_d / "lab.toml").read_text() == "mine"
    assert len(list(trust_d.iterdir())) == 1


def test_a_running_daemon_is_told(exod: FakeExod, exoctl: Exoctl, key: Key, trust_d: Path) -> None:
    exod.answers["Reload"] = lambda *_: [["trusts lab"]]
    assert exoctl(*words(key, trust_d)).out.splitlines()[1] == "trusts lab"


def test_a_dry_run_writes_nothing_and_tells_nobody(exod: FakeExod, exoctl: Exoctl, key: Key, trust_d: Path) -> None:
    steps = exoctl("--json", *words(key, trust_d, "--dry-run")).json["steps"]
    assert steps[0] == f"write {trust_d}/lab.toml"
    assert (list(trust_d.iterdir()), exod.calls) == ([], [])


@pytest.mark.usefixtures("no_daemon")
def test_what_is_no_public_key_is_refused(exoctl: Exoctl, key: Key, trust_d: Path) -> None:
    key.public.write_text("ssh-ed25519 AAAA")
    ran = exoctl("--json", *words(key, trust_d))
    assert (ran.code, ran.error["code"]) == (3, "identity-malformed")


def test_the_directory_is_this_hosts_unless_said(
    exoctl: Exoctl, key: Key, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_daemon: Any
) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/trust.d").mkdir()
    monkeypatch.setenv("EXOD_DEV_DIR", str(tmp_path))
    assert exoctl("key", "trust", str(key.public), "--name", "lab", "--scope", "hello").code == 0
    assert anchor(tmp_path / "etc/trust.d").scope.names == ("hello",)
