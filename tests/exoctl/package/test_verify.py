from pathlib import Path

import pytest

from exod.trust import state
from tests.exoctl.conftest import Exoctl, Key

pytestmark = pytest.mark.usefixtures("no_daemon")


@pytest.fixture
def signed(exoctl: Exoctl, hello: Path, key: Key, tmp_path: Path) -> Path:
    words = ("--key", str(key.private), "--passphrase-file", str(key.phrase))
    exoctl("package", "build", str(hello), "-o", str(tmp_path / "x"), *words)
    return tmp_path / "x"


def trust(exoctl: Exoctl, key: Key, trust_d: Path, *more: str) -> None:
    words = ("--name", "lab", "--trust-dir", str(trust_d), "--interface", "org.example.", *more)
    assert exoctl("key", "trust", str(key.public), *words).code == 0


def test_the_verdict_says_who_and_with_which_scope(exoctl: Exoctl, signed: Path, key: Key, trust_d: Path) -> None:
    trust(exoctl, key, trust_d, "--scope", "hello")
    told = exoctl("--json", "package", "verify", str(signed), "--anchors", str(trust_d)).json
    assert (told["verdict"], told["anchor"], told["scope"], told["signers"]) == ("accepted", "lab", "hello", [key.id])
    lines = exoctl("package", "verify", str(signed), "--anchors", str(trust_d)).out.splitlines()
    assert lines[0] == "accepted: hello 0.1.0"
    assert lines[-1] == "  - degraded: there is no signed revocation list"


def test_a_signer_out_of_scope_is_refused_with_3(exoctl: Exoctl, signed: Path, key: Key, trust_d: Path) -> None:
    trust(exoctl, key, trust_d, "--scope", "sensor-*")
    ran = exoctl("--json", "package", "verify", str(signed), "--anchors", str(trust_d))
    assert (ran.code, ran.error["code"]) == (3, "signer-out-of-scope")


def test_nobody_trusted_is_nobody_trusted(exoctl: Exoctl, signed: Path, trust_d: Path) -> None:
    (trust_d / "bad.toml").write_text("x = 1")
    ran = exoctl("package", "verify", str(signed), "--anchors", str(trust_d))
    assert ran.code == 3
    assert ran.err.startswith("left out: cannot read anchor bad")


def test_while_nobody_knows_what_is_revoked_nothing_is_accepted(
    exoctl: Exoctl, signed: Path, key: Key, trust_d: Path
) -> None:
    trust(exoctl, key, trust_d, "--scope", "hello")
    (trust_d / "revoked.toml").write_text("keys = [\n")
    ran = exoctl("--json", "package", "verify", str(signed), "--anchors", str(trust_d))
    assert (ran.code, ran.error["code"]) == (3, "revocation-malformed")
    assert "revoked.toml: line 1" in ran.error["sentence"]


def test_one_changed_byte_is_refused(exoctl: Exoctl, signed: Path, key: Key, trust_d: Path) -> None:
    trust(exoctl, key, trust_d, "--scope", "hello")
    data = bytearray(signed.read_bytes())
    data[data.rindex(b"return ")] ^= 1
    signed.write_bytes(data)
    ran = exoctl("--json", "package", "verify", str(signed), "--anchors", str(trust_d))
    assert (ran.code, ran.error["code"]) == (3, "package-altered")


def test_owners_seen_before_count_when_the_state_is_given(
    exoctl: Exoctl, signed: Path, key: Key, trust_d: Path, tmp_path: Path
) -> None:
    trust(exoctl, key, trust_d, "--scope", "hello")
    before = state.own(state.TrustState(), "hello", owner="a" * 64, mark="0.1.0", now=1)
    (tmp_path / "state.json").write_bytes(state.encode(before))
    words = (
        "--json",
        "package",
        "verify",
        str(signed),
        "--anchors",
        str(trust_d),
        "--state",
        str(tmp_path / "state.json"),
    )
    assert exoctl(*words).error["code"] == "owner-differs"
