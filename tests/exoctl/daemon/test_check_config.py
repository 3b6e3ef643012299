import os
from pathlib import Path

import pytest

from tests.exoctl.conftest import Exoctl, Key

pytestmark = pytest.mark.usefixtures("no_daemon")


def verdicts(exoctl: Exoctl, top: Path) -> dict[str, bool]:
    return {
        os.path.relpath(row["file"], top): row["ok"]
        for row in exoctl("--json", "daemon", "check-config", "--dir", str(top)).lines[0]
    }


def test_nothing_is_fine(exoctl: Exoctl, tmp_path: Path) -> None:
    ran = exoctl("daemon", "check-config", "--dir", str(tmp_path))
    assert (ran.code, ran.out) == (0, f"{tmp_path} holds nothing: every setting has its default, nobody is trusted\n")


def test_good_files_are_accepted(exoctl: Exoctl, tmp_path: Path, key: Key, trust_d: Path) -> None:
    exoctl("key", "trust", str(key.public), "--name", "lab", "--scope", "x", "--trust-dir", str(trust_d))
    (tmp_path / "exod.toml").write_text("job-days = 3\n")
    (tmp_path / "plugins.d").mkdir()
    (tmp_path / "plugins.d/hello.toml").write_text("critical = true\n")
    ran = exoctl("daemon", "check-config", "--dir", str(tmp_path))
    assert ran.code == 0
    assert [line.split()[1] for line in ran.out.splitlines()[1:]] == ["accepted"] * 3


def test_every_bad_file_is_named_and_the_rest_still_read(exoctl: Exoctl, tmp_path: Path, trust_d: Path) -> None:
    (tmp_path / "exod.toml").write_text("= nonsense")
    (tmp_path / "plugins.d").mkdir()
    (tmp_path / "plugins.d/Bad Name").write_text("")
    (tmp_path / "plugins.d/good.toml").write_text("")
    (trust_d / "bad.toml").write_text("x = 1")
    (trust_d / "revoked.toml").write_text("keys = 1")
    assert verdicts(exoctl, tmp_path) == {
        "exod.toml": False,
        "plugins.d/Bad Name": False,
        "plugins.d/good.toml": True,
        "trust.d/bad.toml": False,
        "trust.d/revoked.toml": False,
    }
    assert exoctl("--json", "daemon", "check-config", "--dir", str(tmp_path)).code == 1


def test_what_others_could_change_is_not_accepted(exoctl: Exoctl, tmp_path: Path) -> None:
    (tmp_path / "exod.toml").write_text("")
    (tmp_path / "exod.toml").chmod(0o666)
    assert verdicts(exoctl, tmp_path) == {"exod.toml": False}
    (tmp_path / "exod.toml").unlink()
    (tmp_path / "exod.toml").symlink_to("/etc/passwd")
    assert verdicts(exoctl, tmp_path) == {"exod.toml": False}


def test_a_trust_directory_that_others_may_write_is_refused_as_a_whole(
    exoctl: Exoctl, tmp_path: Path, trust_d: Path
) -> None:
    trust_d.chmod(0o777)
    assert verdicts(exoctl, tmp_path) == {"trust.d": False}
