from pathlib import Path

import pytest

from exod.errors import Refusal
from exod.package import package
from tests.exoctl.conftest import Exoctl, Key


def parsed(path: Path) -> package.Package:
    found = package.parse(path.read_bytes())
    assert isinstance(found, package.Package), found
    return found


def test_a_directory_becomes_a_signed_package(exoctl: Exoctl, hello: Path, key: Key, tmp_path: Path) -> None:
    out = tmp_path / "x.exopkg"
    words = ("--key", str(key.private), "--passphrase-file", str(key.phrase), "--sequence", "7", "--expires-days", "2")
    told = exoctl("--json", "package", "build", str(hello), "-o", str(out), *words).json
    made = parsed(out)
    assert told == {
        "file": str(out),
        "name": "hello",
        "version": "0.1.0",
        "bytes": out.stat().st_size,
        "signers": [key.id],
    }
    assert (made.payload.sequence, made.payload.signer, made.development) == (7, key.id, False)
    assert made.payload.expires == made.payload.issued + 2 * 86_400
    assert "tests/test_hello.py" not in made.archive.files


def test_the_same_files_give_the_same_archive(exoctl: Exoctl, hello: Path, key: Key, tmp_path: Path) -> None:
    words = ("--key", str(key.private), "--passphrase-file", str(key.phrase))
    for name in ("a", "b"):
        exoctl("package", "build", str(hello), "-o", str(tmp_path / name), *words)
    assert parsed(tmp_path / "a").zip == parsed(tmp_path / "b").zip


def test_without_a_key_it_is_named_after_itself_and_loads_nowhere(
    exoctl: Exoctl, hello: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert exoctl("package", "build", str(hello)).out.endswith("unsigned: nothing loads it yet\n")
    refusal = package.parse((tmp_path / "hello_0.1.0.exopkg").read_bytes())
    assert isinstance(refusal, Refusal)
    assert refusal.code == "signature-missing"


def test_a_development_package_is_another_kind_of_document(
    exoctl: Exoctl, hello: Path, key: Key, tmp_path: Path
) -> None:
    words = ("--dev", "--key", str(key.private), "--passphrase-file", str(key.phrase))
    ran = exoctl("package", "build", str(hello), "-o", str(tmp_path / "x"), *words)
    assert ran.err == "a development package: only `exod --dev` reads it\n"
    assert parsed(tmp_path / "x").development


def test_a_build_can_be_dated_from_outside(
    exoctl: Exoctl, hello: Path, key: Key, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("package", "build", str(hello), "-o", str(tmp_path / "x"), "--key", str(key.private))
    words += ("--passphrase-file", str(key.phrase))
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    exoctl(*words)
    assert (parsed(tmp_path / "x").payload.issued, parsed(tmp_path / "x").payload.sequence) == (1700000000, 1700000000)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "yesterday")
    assert exoctl("--json", *words).code == 2


def test_a_dry_run_signs_and_writes_nothing(exoctl: Exoctl, hello: Path, tmp_path: Path) -> None:
    out = tmp_path / "x"
    ran = exoctl("--json", "package", "build", str(hello), "-o", str(out), "--key", "absent", "--dry-run")
    assert ran.json["steps"] == [f"write {out}: hello 0.1.0, signed with absent"]
    assert not out.exists()


def test_what_would_not_load_is_not_built(exoctl: Exoctl, hello: Path, tmp_path: Path) -> None:
    (hello / "package.toml").write_text("[package]\nname = 'hello'\n")
    ran = exoctl("--json", "package", "build", str(hello), "-o", str(tmp_path / "x"))
    assert (ran.code, ran.error["code"]) == (3, "manifest-malformed")
    assert not (tmp_path / "x").exists()
