from pathlib import Path

from tests.exoctl.conftest import Exoctl, Key


def test_the_public_half_is_one_line(exoctl: Exoctl, key: Key) -> None:
    ran = exoctl("key", "export", str(key.private), "--passphrase-file", str(key.phrase))
    assert ran.out == key.public.read_text()


def test_it_goes_into_a_file_when_told(exoctl: Exoctl, key: Key, tmp_path: Path) -> None:
    out = tmp_path / "out.pub"
    words = ("key", "export", str(key.private), "--passphrase-file", str(key.phrase), "-o", str(out))
    assert exoctl("--json", *words).json["key_id"] == key.id
    assert out.read_text() == key.public.read_text()
    out.unlink()
    assert exoctl(*words).out == f"{key.id} in {out}\n"


def test_the_wrong_passphrase_opens_nothing(exoctl: Exoctl, key: Key) -> None:
    key.phrase.write_text("another horse")
    ran = exoctl("--json", "key", "export", str(key.private), "--passphrase-file", str(key.phrase))
    assert (ran.code, ran.error["code"]) == (1, "key-unreadable")
    assert "passphrase" in ran.error["hint"]


def test_a_public_key_is_named_as_one(exoctl: Exoctl, key: Key) -> None:
    ran = exoctl("--json", "key", "export", str(key.public), "--passphrase-file", str(key.phrase))
    assert ran.code == 2
    assert "it is a public key" in ran.error["sentence"]


def test_a_dry_run_asks_for_nothing(exoctl: Exoctl, key: Key) -> None:
    assert exoctl("--json", "key", "export", str(key.private), "--dry-run").json["steps"] == ["show the public half"]
    assert exoctl("--json", "key", "export", "x", "-o", "y", "--dry-run").json["steps"] == ["write y"]
