from pathlib import Path

import pytest

from exoctl import keyfiles
from exoctl.private import PrivateIdentity
from exod.package import package
from tests.exoctl.conftest import Exoctl, Key


@pytest.fixture
def built(exoctl: Exoctl, hello: Path, tmp_path: Path) -> Path:
    exoctl("package", "build", str(hello), "-o", str(tmp_path / "x.exopkg"))
    return tmp_path / "x.exopkg"


def test_a_public_key_does_not_sign(exoctl: Exoctl, built: Path, key: Key) -> None:
    ran = exoctl("--json", "package", "sign", str(built), "--key", str(key.public))
    assert ran.code == 2
    assert "it is a public key" in ran.error["sentence"]


def test_a_signature_is_put_on_what_was_built(exoctl: Exoctl, built: Path, key: Key) -> None:
    ran = exoctl(
        "--json", "package", "sign", str(built), "--key", str(key.private), "--passphrase-file", str(key.phrase)
    )
    assert ran.json["signers"] == [key.id]
    assert isinstance(package.parse(built.read_bytes()), package.Package)


def test_several_keys_sign_for_a_threshold(exoctl: Exoctl, built: Path, key: Key, tmp_path: Path) -> None:
    keyfiles.write(str(tmp_path / "second"), PrivateIdentity.generate(), passphrase=b"correct horse")
    words = ("--key", str(key.private), "--key", str(tmp_path / "second"), "--passphrase-file", str(key.phrase))
    told = exoctl("--json", "package", "sign", str(built), "-o", str(tmp_path / "y"), *words).json
    assert (told["signers"][0], len(told["signers"])) == (key.id, 2)


def test_a_key_has_to_be_said(exoctl: Exoctl, built: Path) -> None:
    assert exoctl("--json", "package", "sign", str(built)).code == 2


def test_what_is_no_package_is_not_signed(exoctl: Exoctl, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"hello")
    ran = exoctl("--json", "package", "sign", str(tmp_path / "x"), "--key", "k")
    assert (ran.code, ran.error["code"]) == (3, "package-malformed")


def test_a_dry_run_leaves_the_file_alone(exoctl: Exoctl, built: Path) -> None:
    before = built.read_bytes()
    assert exoctl("--json", "package", "sign", str(built), "--key", "k", "--dry-run").json["steps"] == [
        f"write {built}, signed with k"
    ]
    assert built.read_bytes() == before
