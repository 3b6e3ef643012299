from pathlib import Path

from exod.trust.keys import Identity
from tests.exoctl.conftest import Exoctl, Key


def test_a_key_is_two_files_of_which_one_is_secret(exoctl: Exoctl, key: Key, tmp_path: Path) -> None:
    made = tmp_path / "new.key"
    told = exoctl("--json", "key", "new", str(made), "--name", "lab", "--passphrase-file", str(key.phrase)).json
    assert made.stat().st_mode & 0o777 == 0o600
    assert made.read_bytes().count(b"-----BEGIN ENCRYPTED PRIVATE KEY-----") == 2
    public = Identity.decode((tmp_path / "new.pub").read_text().strip())
    assert isinstance(public, Identity)
    assert (told["key_id"], told["name"]) == (public.key_id, "lab")


def test_a_key_never_replaces_another(exoctl: Exoctl, key: Key) -> None:
    before = key.private.read_bytes()
    ran = exoctl("--json", "key", "new", str(key.private), "--passphrase-file", str(key.phrase))
    assert (ran.code, key.private.read_bytes()) == (2, before)


def test_no_passphrase_no_key(exoctl: Exoctl, tmp_path: Path) -> None:
    ran = exoctl("--json", "key", "new", str(tmp_path / "new.key"))
    assert (ran.code, ran.error["code"]) == (2, "usage")
    assert list(tmp_path.iterdir()) == []


def test_a_dry_run_makes_no_key(exoctl: Exoctl, tmp_path: Path) -> None:
    assert len(exoctl("--json", "key", "new", str(tmp_path / "new.key"), "--dry-run").json["steps"]) == 2
    assert list(tmp_path.iterdir()) == []


def test_people_are_told_the_next_step(exoctl: Exoctl, key: Key, tmp_path: Path) -> None:
    ran = exoctl("key", "new", str(tmp_path / "k"), "--passphrase-file", str(key.phrase))
    assert f"exoctl key trust {tmp_path}/k.pub --name k --scope PLUGIN --interface PREFIX.\n" in ran.out


def test_a_public_half_that_is_there_stays_and_no_private_one_is_left(exoctl: Exoctl, key: Key, tmp_path: Path) -> None:
    (tmp_path / "new.pub").write_text("old")
    ran = exoctl("--json", "key", "new", str(tmp_path / "new.key"), "--passphrase-file", str(key.phrase))
    assert (ran.code, (tmp_path / "new.pub").read_text()) == (2, "old")
    assert not (tmp_path / "new.key").exists()
