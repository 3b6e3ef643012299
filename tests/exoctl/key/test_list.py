from pathlib import Path

from tests.exoctl.conftest import Exoctl, Key
from tests.exoctl.fake import FakeExod

ROW = {"name": "lab", "key": "ab" * 32, "level": "trusted", "scope": "lab-*", "expires": ""}


def test_the_daemon_says_whom_it_trusts(exod: FakeExod, exoctl: Exoctl) -> None:
    exod.answers["ListTrust"] = lambda *_: [[ROW]]
    assert exoctl("--json", "key", "list").json == [ROW]
    assert exoctl("key", "list").out.splitlines()[1].split() == ["lab", "trusted", "lab-*", "never", "abababababababab"]


def test_a_key_that_the_daemon_has_revoked_is_shown_as_revoked(exod: FakeExod, exoctl: Exoctl) -> None:
    exod.answers["ListTrust"] = lambda *_: [[ROW | {"revoked": "lost"}]]
    assert exoctl("key", "list").out.splitlines()[1].split()[3] == "revoked"


def test_a_directory_is_read_without_a_daemon(exoctl: Exoctl, key: Key, trust_d: Path, no_daemon: None) -> None:
    assert exoctl("key", "list", "--trust-dir", str(trust_d)).out.startswith("nobody is trusted")
    words = ("--name", "lab", "--scope", "hello", "--trust-dir", str(trust_d), "--expires-days", "9")
    exoctl("key", "trust", str(key.public), *words)
    (row,) = exoctl("--json", "key", "list", "--trust-dir", str(trust_d)).json
    assert (row["key"], row["scope"]) == (key.id, "hello")
    assert exoctl("key", "list", "--trust-dir", str(trust_d)).out.splitlines()[1].split()[3].startswith("20")
    exoctl("key", "revoke", key.id, "--reason", "lost", "--trust-dir", str(trust_d))
    (trust_d / "bad.toml").write_text("nonsense = 1")
    (row,) = exoctl("--json", "key", "list", "--trust-dir", str(trust_d)).json
    assert row["revoked"] == "lost"
    ran = exoctl("key", "list", "--trust-dir", str(trust_d))
    assert "revoked" in ran.out
    assert ran.err.startswith("left out: cannot read anchor bad")
