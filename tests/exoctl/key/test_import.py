import time
from pathlib import Path

import pytest

from exoctl.private import PrivateIdentity, sign
from exoctl.trustfiles import anchor_file
from exod.package.envelope import REVOCATION
from exod.trust import anchors
from exod.trust.scope import Scope
from tests.builders import RevocationList
from tests.exoctl.conftest import Exoctl, Key

pytestmark = pytest.mark.usefixtures("no_daemon")


def anchor(made: PrivateIdentity, level: str = "vendor") -> bytes:
    return anchor_file(anchors.Anchor("lab", level, (made.identity,), Scope(("hello",))))


def statement(made: PrivateIdentity) -> bytes:
    now = int(time.time())
    listed = RevocationList(1, now, now + 86_400, {"a" * 64: "stolen"})
    return sign(REVOCATION, listed.encode(), keys=(made,)).encode()


def test_an_anchor_from_elsewhere_is_taken_as_it_is(
    exoctl: Exoctl, made: PrivateIdentity, tmp_path: Path, trust_d: Path
) -> None:
    (tmp_path / "lab.toml").write_bytes(anchor(made))
    words = ("key", "import", str(tmp_path / "lab.toml"), "--trust-dir", str(trust_d))
    assert exoctl("--json", *words, "--dry-run").json["steps"][0] == f"write {trust_d}/lab.toml"
    assert exoctl(*words).out == "imported lab.toml\n"
    assert (trust_d / "lab.toml").read_bytes() == anchor(made)
    assert exoctl("--json", *words).error["code"] == "nothing-new"


def test_a_signed_statement_needs_a_trusted_signer(
    exoctl: Exoctl, made: PrivateIdentity, tmp_path: Path, trust_d: Path
) -> None:
    (tmp_path / "lab.revocation").write_bytes(statement(made))
    words = ("--json", "key", "import", str(tmp_path / "lab.revocation"), "--trust-dir", str(trust_d))
    assert exoctl(*words).code == 3
    assert list(trust_d.iterdir()) == []
    (trust_d / "lab.toml").write_bytes(anchor(made))
    assert exoctl(*words).json["imported"] == "lab.revocation"


@pytest.mark.parametrize("name", ["lab.txt", "revoked.toml", "levels.toml", ".toml"])
def test_other_files_are_not_taken(exoctl: Exoctl, tmp_path: Path, trust_d: Path, name: str) -> None:
    (tmp_path / name).write_text("x")
    assert exoctl("--json", "key", "import", str(tmp_path / name), "--trust-dir", str(trust_d)).code == 2


def test_a_bad_anchor_is_refused_with_its_reason(exoctl: Exoctl, tmp_path: Path, trust_d: Path, key: Key) -> None:
    (tmp_path / "bad.toml").write_text("level = 'vendor'")
    ran = exoctl("--json", "key", "import", str(tmp_path / "bad.toml"), "--trust-dir", str(trust_d))
    assert (ran.code, ran.error["code"]) == (3, "anchor-malformed")
