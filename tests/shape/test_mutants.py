"""The list of mutants can be tried at any moment, and the judge tells a caught mutant from one that never ran."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests import mutants
from tests.copy_of_tree import make_copy
from tests.shape import tree

FEWEST = 30


@pytest.mark.parametrize("mutant", mutants.read(), ids=str)
def test_the_mutant_can_be_tried(mutant: mutants.Mutant) -> None:
    assert mutants.fault(mutant) == ""
    assert [test for test in mutant.test.split() if not (tree.ROOT / test.partition("::")[0]).exists()] == []


def test_there_are_enough_of_them_and_none_twice() -> None:
    listed = mutants.read()
    assert len(listed) >= FEWEST
    assert [key for key, count in Counter((one.file, one.old, one.new) for one in listed).items() if count > 1] == []


@pytest.fixture
def small_tree(tmp_path: Path) -> Path:
    """A tree of one check and two tests, of which one looks away."""
    (tmp_path / "check.py").write_text("def allowed(uid):\n    return uid == 0\n")
    tests = [
        "from check import allowed",
        "def test_sees(): assert not allowed(1)",
        "def test_idle(): assert allowed(0)",
    ]
    (tmp_path / "test_check.py").write_text("\n".join(tests))
    (tmp_path / ".venv/bin").mkdir(parents=True)
    (tmp_path / ".venv/bin/python").write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    (tmp_path / ".venv/bin/python").chmod(0o755)
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize(
    ("new", "test", "word"),
    [
        ("uid >= 0", "test_check.py::test_sees", "caught"),
        ("uid >= 0", "test_check.py::test_idle", "survived"),
        ("uid >= 0", "test_check.py::test_gone", "its test did not run: pytest says 4"),
    ],
)
def test_only_a_test_that_ran_and_failed_catches(small_tree: Path, new: str, test: str, word: str) -> None:
    before = (small_tree / "check.py").read_text()
    assert mutants.verdict(mutants.Mutant("check.py", "uid == 0", new, test), small_tree) == word
    assert (small_tree / "check.py").read_text() == before


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("uid == 1", "True", "`old` stands 0 times in the file, not once"),
        ("uid", "True", "`old` stands 2 times in the file, not once"),
        ("uid == 0", "(", "it does not compile"),
    ],
)
def test_a_mutant_that_says_nothing_is_a_fault_of_the_list(small_tree: Path, old: str, new: str, reason: str) -> None:
    assert mutants.fault(mutants.Mutant("check.py", old, new, "x"), root=small_tree).startswith(reason)


@pytest.mark.slow
def test_a_copy_runs_its_own_code_even_where_the_interpreter_is_isolated(tmp_path: Path) -> None:
    copy = make_copy(tree.ROOT, tmp_path / "copy")
    (copy / "exod" / "names.py").write_text("raise SystemExit(7)\n")
    done = subprocess.run([str(copy / ".venv/bin/python"), "-I", "-c", "import exod.names"], cwd="/")
    assert done.returncode == 7
