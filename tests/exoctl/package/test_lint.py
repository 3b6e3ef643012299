"""`package lint`: what exod would find, without a daemon."""

from pathlib import Path

import pytest

from exod.names import PLUGIN_TYPES
from tests.exoctl.conftest import Exoctl

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def sly(hello: Path) -> Path:
    with (hello / "code/hello.py").open("a") as code:
        code.write("\n\nimport exod\nimport socket\n")
    return hello


def test_an_error_is_told_with_its_place_and_what_to_do_and_the_exit_code_is_3(exoctl: Exoctl, sly: Path) -> None:
    ran = exoctl("package", "lint", str(sly))
    line = len((sly / "code/hello.py").read_text().splitlines())
    assert ran.code == 3
    assert f"code/hello.py:{line - 1}: error: import of exod [daemon-internals]\n" in ran.out
    assert f"code/hello.py:{line}: warning: socket without `network` [network]\n" in ran.out
    assert "instead: exosdk has what plugins may use" in ran.out
    assert 'lint = "warn" in plugins.d/hello.toml' in ran.err


def test_warnings_alone_are_no_failure(exoctl: Exoctl, hello: Path) -> None:
    with (hello / "code/hello.py").open("a") as code:
        code.write("\n\nimport socket\n")
    ran = exoctl("package", "lint", str(hello))
    assert (ran.code, "warning" in ran.out) == (0, True)


def test_as_json_everything_is_there(exoctl: Exoctl, sly: Path) -> None:
    ran = exoctl("--json", "package", "lint", str(sly))
    first = ran.lines[0]["findings"][0]
    assert {"path", "line", "rule", "severity", "what", "why", "instead"} == set(first)
    assert (first["severity"], first["rule"]) == ("error", "daemon-internals")
    assert ran.error["code"] == "lint-refused"


def test_a_package_file_is_looked_at_too_and_building_one_shows_what_is_found(
    exoctl: Exoctl, sly: Path, tmp_path: Path
) -> None:
    out = tmp_path / "x.exopkg"
    built = exoctl("package", "build", str(sly), "-o", str(out))
    assert built.code == 0
    assert "error: code/hello.py:" in built.err
    assert exoctl("package", "lint", str(out)).code == 3


def test_what_is_no_package_is_refused(exoctl: Exoctl, tmp_path: Path) -> None:
    (tmp_path / "x").write_text("no package")
    assert exoctl("--json", "package", "lint", str(tmp_path / "x")).error["code"] == "package-malformed"


@pytest.mark.parametrize("kind", PLUGIN_TYPES)
def test_a_new_plugin_is_clean(exoctl: Exoctl, tmp_path: Path, kind: str) -> None:
    exoctl("package", "new", "fresh", "--type", kind, "--dir", str(tmp_path / "fresh"))
    assert exoctl("package", "lint", str(tmp_path / "fresh")).out == "fresh 0.1.0: nothing found\n"


@pytest.mark.parametrize("room", sorted((ROOT / "plugins").glob("*/package.toml")), ids=lambda path: path.parent.name)
def test_a_first_party_plugin_is_clean(exoctl: Exoctl, room: Path) -> None:
    assert exoctl("package", "lint", str(room.parent)).out.endswith(": nothing found\n")
