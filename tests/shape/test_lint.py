"""The tools' verdicts as tests. A tool that is missing fails: silence is no verdict."""

import ast
import configparser
import os
import subprocess
import sys
from pathlib import Path

import pytest
import vulture

from tests.shape import tree


def run(module: str, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """A tool, without the tracing that the tests' other children are under: it would measure the tool."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("COVERAGE_")}
    command = [sys.executable, "-m", module, *arguments]
    return subprocess.run(command, cwd=tree.ROOT, env=environment, input=stdin, capture_output=True, text=True)


def assert_silent(done: subprocess.CompletedProcess[str]) -> None:
    assert done.returncode == 0, f"{done.stdout}{done.stderr}"


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_mypy_finds_nothing() -> None:
    assert_silent(run("mypy"))


def test_mypy_is_strict_about_everything_that_is_installed() -> None:
    settings = configparser.ConfigParser()
    settings.read(tree.ROOT / "setup.cfg")
    assert settings.getboolean("mypy", "strict")
    assert settings.getboolean("mypy", "warn_unreachable")
    assert set(tree.PACKAGES) <= set(settings["mypy"]["files"].split(", "))


def test_ruff_finds_nothing() -> None:
    assert_silent(run("ruff", "check", "--quiet", "--no-cache", *tree.CHECKED))


def test_every_file_is_formatted() -> None:
    assert_silent(run("ruff", "format", "--check", "--quiet", "--no-cache", *tree.CHECKED))


@pytest.mark.parametrize(
    ("rule", "source"),
    [
        ("F401", "import os\n"),
        ("T201", 'print("x")\n'),
        ("S602", 'import subprocess\n\nsubprocess.run("ls", shell=True)\n'),
        ("FBT001", "def f(flag: bool) -> None:\n    del flag\n"),
        ("RUF006", "import asyncio\n\n\nasync def f() -> None:\n    asyncio.create_task(asyncio.sleep(0))\n"),
    ],
)
def test_ruff_sees_what_the_style_forbids(rule: str, source: str) -> None:
    done = run("ruff", "check", "--no-cache", "--stdin-filename", "exod/planted.py", "-", stdin=source)
    assert rule in done.stdout


def dead(*paths: Path) -> list[str]:
    """What nothing uses, surely. The arguments of a bodiless function (a Protocol, a hook) are its form."""
    found = vulture.Vulture()
    found.scavenge([str(tree.ROOT / path) for path in paths])
    return [
        f"{item.filename}:{item.first_lineno}: {item.message}"
        for item in found.get_unused_code(min_confidence=80)
        if not any(
            function.lineno <= item.first_lineno <= (function.end_lineno or 0)
            for function in tree.functions(ast.parse(Path(item.filename).read_bytes()))
            if tree.is_bodiless(function)
        )
    ]


@pytest.mark.slow
def test_no_code_is_dead() -> None:
    assert dead(*tree.sources(*tree.PACKAGES)) == []


def test_dead_code_is_seen(tmp_path: Path) -> None:
    (tmp_path / "planted.py").write_text("import os\n\n\ndef f(used, unused):\n    return used\n\n\nf(1, 2)\n")
    assert [line.rpartition(": ")[2] for line in dead(tmp_path / "planted.py")] == [
        "unused import 'os'",
        "unused variable 'unused'",
    ]
