from pathlib import Path

import pytest

from exod.trust import revocation
from tests.exoctl.conftest import Exoctl, Key

pytestmark = pytest.mark.usefixtures("no_daemon")


def revoked(trust_d: Path) -> dict[str, str]:
    found = revocation.parse_local((trust_d / "revoked.toml").read_bytes())
    assert isinstance(found, revocation.Revocations)
    return dict(found.keys)


def test_a_key_is_revoked_by_the_name_of_its_anchor(exoctl: Exoctl, key: Key, trust_d: Path) -> None:
    where = ("--trust-dir", str(trust_d))
    exoctl("key", "trust", str(key.public), "--name", "lab", "--scope", "hello", *where)
    assert exoctl("key", "revoke", "lab", "--reason", "stolen", *where).out == f"revoked: {key.id[:12]}\n"
    assert revoked(trust_d) == {key.id: "stolen"}


def test_what_was_revoked_before_stays_revoked(exoctl: Exoctl, trust_d: Path) -> None:
    for digit in "ab":
        assert exoctl("--json", "key", "revoke", digit * 64, "--trust-dir", str(trust_d)).json["revoked"] == [
            digit * 64
        ]
    assert set(revoked(trust_d)) == {"a" * 64, "b" * 64}


def test_a_key_revoked_twice_keeps_its_reason_unless_another_is_given(exoctl: Exoctl, trust_d: Path) -> None:
    words = ("key", "revoke", "a" * 64, "--trust-dir", str(trust_d))
    for more, reason in (((), "revoked on this host"), (("--reason", "lost"), "lost"), ((), "lost")):
        assert exoctl(*words, *more).code == 0
        assert revoked(trust_d) == {"a" * 64: reason}


def test_trust_of_this_host_is_not_changed_by_a_shell_that_speaks_to_another(exoctl: Exoctl) -> None:
    ran = exoctl("--json", "key", "revoke", "a" * 64)
    assert (ran.code, ran.error["code"]) == (2, "usage")
    assert "EXOD_DEV_DIR" in ran.error["hint"]


def test_a_list_that_cannot_be_read_is_not_replaced(exoctl: Exoctl, trust_d: Path) -> None:
    (trust_d / "revoked.toml").write_text("keys = 1")
    assert exoctl("--json", "key", "revoke", "a" * 64, "--trust-dir", str(trust_d)).code == 3
    assert (trust_d / "revoked.toml").read_text() == "keys = 1"


def test_a_key_nobody_knows_is_not_found(exoctl: Exoctl, trust_d: Path) -> None:
    assert exoctl("--json", "key", "revoke", "ghost", "--trust-dir", str(trust_d)).code == 4


def test_a_dry_run_revokes_nothing(exoctl: Exoctl, trust_d: Path) -> None:
    ran = exoctl("--json", "key", "revoke", "a" * 64, "--trust-dir", str(trust_d), "--dry-run")
    assert ran.json["steps"][0] == f"write {trust_d}/revoked.toml: aaaaaaaaaaaa"
    assert list(trust_d.iterdir()) == []
