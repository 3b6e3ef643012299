from pathlib import Path

import pytest

from exoctl.session import DEV_VARIABLE
from tests.exoctl.conftest import Exoctl, Key


@pytest.fixture
def signed(exoctl: Exoctl, hello: Path, key: Key, tmp_path: Path) -> Path:
    words = ("--key", str(key.private), "--passphrase-file", str(key.phrase))
    exoctl("package", "build", str(hello), "-o", str(tmp_path / "x"), *words)
    return tmp_path / "x"


def test_people_read_what_it_could_reach(exoctl: Exoctl, signed: Path, key: Key) -> None:
    text = exoctl("package", "inspect", str(signed)).out
    assert f"signed by: {key.id}" in text
    assert "  - reaches nothing of this host" in text
    assert "\nrating 8 of 8\n" in text
    assert "  - offers org.example.Hello1 on D-Bus to root only: Greet" in text


def test_machines_read_the_whole_manifest(exoctl: Exoctl, signed: Path, key: Key) -> None:
    told = exoctl("--json", "package", "inspect", str(signed)).json
    assert (told["name"], told["permissions"], told["limits"]["tasks"]) == ("hello", {}, 4)
    assert told["signatures"]["claimed_by"] == [key.id]
    assert told["rating"] == {"number": 8, "reasons": [], "line": ""}
    assert set(told["files"]) == {"LICENSE", "README.md", "code/hello.py", "package.toml"}


def test_an_altered_package_is_shown_and_said_to_be_altered(exoctl: Exoctl, signed: Path) -> None:
    data = signed.read_bytes().replace(b'summary = "A new', b'summary = "B new')
    signed.write_bytes(data)
    ran = exoctl("package", "inspect", str(signed))
    assert ran.code in (0, 3)
    assert "A new" not in ran.out


def test_an_unsigned_package_is_signed_by_nobody(exoctl: Exoctl, hello: Path, tmp_path: Path) -> None:
    exoctl("package", "build", str(hello), "-o", str(tmp_path / "x"))
    text = exoctl("package", "inspect", str(tmp_path / "x")).out
    assert "signed by: nobody" in text
    assert "not loadable: cannot read envelope: it carries no signature" in text


def test_what_is_no_package_is_refused(exoctl: Exoctl, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"EXOPKG1\n\xff\xff\xff\xff")
    ran = exoctl("--json", "package", "inspect", str(tmp_path / "x"))
    assert (ran.code, ran.error["code"]) == (3, "package-malformed")


def test_what_it_asks_for_is_rated_and_the_line_that_would_raise_it_is_said(
    exoctl: Exoctl, hello: Path, tmp_path: Path
) -> None:
    with (hello / "package.toml").open("a") as file:
        file.write('\n[sandbox]\nfilesystem = ["read-write:/srv/a", "read-only:/srv/b"]\n')
    exoctl("package", "build", str(hello), "-o", str(tmp_path / "x"))
    text = exoctl("package", "inspect", str(tmp_path / "x")).out
    assert "rating 5 of 8: it writes files of the host; it reads files of the host" in text
    assert 'raised by, in plugins.d/hello.toml: files = ["read-only:/srv/b"]' in text


def test_it_says_which_levels_of_this_host_may_have_it(
    exoctl: Exoctl, hello: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (trust_d := tmp_path / "dev/etc/trust.d").mkdir(parents=True)
    monkeypatch.setenv(DEV_VARIABLE, str(tmp_path / "dev"))
    with (hello / "package.toml").open("a") as file:
        file.write("\n[sandbox]\nprocesses = true\nnative = true\n")
    exoctl("package", "build", str(hello), "-o", str(tmp_path / "x"))
    assert "\ntrust levels that may have this: vendor\n" in exoctl("package", "inspect", str(tmp_path / "x")).out
    (trust_d / "levels.toml").write_text("dev = {native = true}\nvendor = {native = false, processes = false}\n")
    ran = exoctl("--json", "package", "inspect", str(tmp_path / "x"))
    assert ran.json["above_level"] == {
        "vendor": {"processes": ["true"], "native": ["true"]},
        "trusted": {"native": ["true"]},
        "dev": {},
    }
    for spoil in (lambda: (trust_d / "levels.toml").write_text("dev = 1"), lambda: trust_d.chmod(0o777)):
        spoil()
        ran = exoctl("package", "inspect", str(tmp_path / "x"))
        assert "trust levels that may have this: none" in ran.out
        assert "no level may have anything: " in ran.err
