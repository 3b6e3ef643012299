import subprocess
import sys
from pathlib import Path

import pytest

from exoctl import building, sources
from exod.names import PLUGIN_TYPES
from tests.exoctl.conftest import Exoctl


@pytest.mark.slow
def test_every_type_is_made_with_a_test_that_passes_and_a_manifest_that_builds(exoctl: Exoctl, tmp_path: Path) -> None:
    for kind in PLUGIN_TYPES:
        made = tmp_path / kind
        assert exoctl("package", "new", f"my-{kind}", "--type", kind, "--dir", str(made)).code == 0
        assert isinstance(building.build(sources.read(str(made))), bytes), kind
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--import-mode=importlib", str(tmp_path)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert f"{len(PLUGIN_TYPES) * 2 - 1} passed" in done.stdout


def test_what_was_made_is_said(exoctl: Exoctl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    made = exoctl("--json", "package", "new", "hello").json
    assert made["directory"] == "hello"
    assert set(made["files"]) == {"package.toml", "README.md", "LICENSE", "code/hello.py", "tests/test_hello.py"}
    assert exoctl("package", "new", "hallo").out == "made hallo; test it with: cd hallo && pytest\n"


def test_nothing_that_exists_is_touched(exoctl: Exoctl, tmp_path: Path) -> None:
    ran = exoctl("--json", "package", "new", "hello", "--dir", str(tmp_path))
    assert (ran.code, ran.error["code"]) == (2, "usage")
    assert "--dir" in ran.error["hint"]
    assert list(tmp_path.iterdir()) == []


def test_a_dry_run_makes_nothing_and_lists_all(exoctl: Exoctl, tmp_path: Path) -> None:
    top = tmp_path / "x"
    steps = exoctl("--json", "package", "new", "hello", "--dir", str(top), "--dry-run").json["steps"]
    assert steps[0] == f"make directory {top}"
    assert f"write {top}/code/hello.py" in steps
    assert not top.exists()


@pytest.mark.parametrize("name", ["Hello", "a--b", "../x", "1a", "ä", "x" * 64])
def test_a_name_that_no_plugin_can_have_is_refused(exoctl: Exoctl, name: str) -> None:
    assert exoctl("--json", "package", "new", name).code == 2
