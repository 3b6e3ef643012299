"""`make mutants`: removes each check named in mutants.toml, in a copy of the tree; the test beside it must fail.

A mutant counts as caught only when pytest ran and a test failed, or never came to an end. A mutant that does not
compile, a test that cannot be collected, and a test that fails without the mutant are faults of the list, not catches.
"""

import argparse
import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.copy_of_tree import make_copy

ROOT = Path(__file__).resolve().parents[1]
LIST = ROOT / "tests" / "mutants.toml"
WORKERS = 2
SECONDS = 120
LOG = "mutants.log"
C = (".c", ".h")
TESTS_FAILED = 1
"""pytest's exit status when tests ran and some failed; 2 to 5 say that they did not run."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """`old` stands exactly once in `file`; `new` removes the check; `test` is what pytest is given, words apart."""

    file: str
    old: str
    new: str
    test: str

    def __str__(self) -> str:
        return f"{self.file}: {' '.join(self.old.split())[:90]}"


def read(path: Path = LIST) -> list[Mutant]:
    """Every `[[mutant]]` of the list, and of the pieces beside it that wait to be merged."""
    pieces = [path, *sorted(path.with_suffix(".d").glob("*.toml"))]
    return [
        Mutant(**row)
        for piece in pieces
        if piece.exists()
        for row in tomllib.loads(piece.read_text()).get("mutant", [])
    ]


def fault(mutant: Mutant, *, root: Path = ROOT) -> str:
    """Why a mutant says nothing; empty when it can be tried."""
    path = root / mutant.file
    if not path.is_file():
        return "the file does not exist"
    count = path.read_text().count(mutant.old)
    if count != 1:
        return f"`old` stands {count} times in the file, not once"
    if path.suffix == ".py":
        try:
            compile(path.read_text().replace(mutant.old, mutant.new), mutant.file, "exec")
        except SyntaxError as error:
            return f"it does not compile: {error}"
    return ""


def verdict(mutant: Mutant, copy: Path) -> str:
    """`caught`, `survived`, or what is wrong with it. Leaves the copy as it was."""
    path = copy / mutant.file
    original = path.read_text()
    try:
        path.write_text(original.replace(mutant.old, mutant.new))
        if path.suffix in C and not _build(copy):
            return "it does not compile"
        status = run_tests(mutant.test.split(), copy)
    finally:
        path.write_text(original)
        if path.suffix in C:
            _build(copy)
    if status is None or status == TESTS_FAILED:
        return "caught"
    return "survived" if status == 0 else f"its test did not run: pytest says {status}"


def run_tests(tests: Sequence[str], copy: Path) -> int | None:
    """pytest's exit status in the copy; None when it did not end in time."""
    command = [str(copy / ".venv/bin/python"), "-m", "pytest", "-q", "-x", "--no-header", *tests]
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("COVERAGE_", "PYTEST_"))}
    environment["PYTHONDONTWRITEBYTECODE"] = "1"  # a mutant of the same size and second would run as the original
    with (
        (copy / LOG).open("w") as log,
        subprocess.Popen(
            command, cwd=copy, env=environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True
        ) as process,
    ):
        try:
            return process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            return None
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)


def _build(copy: Path) -> bool:
    command = [str(copy / ".venv/bin/python"), "setup.py", "--quiet", "build_ext", "--inplace", "--force"]
    return subprocess.run(command, cwd=copy, capture_output=True).returncode == 0


def judge(mutants: Sequence[Mutant], copies: Sequence[Path]) -> list[tuple[Mutant, str]]:
    """The verdicts in the order of the list; each copy is used by one mutant at a time."""
    free: queue.SimpleQueue[Path] = queue.SimpleQueue()
    for copy in copies:
        free.put(copy)

    def one(mutant: Mutant) -> tuple[Mutant, str]:
        copy = free.get()
        try:
            word = verdict(mutant, copy)
        finally:
            free.put(copy)
        print(f"{word:9} {mutant}", flush=True)
        return mutant, word

    with ThreadPoolExecutor(len(copies)) as pool:
        return list(pool.map(one, mutants))


def sound(mutants: Sequence[Mutant], copy: Path) -> bool:
    """Whether the tests named in the list pass as long as nothing is mutated."""
    status = run_tests(sorted({test for mutant in mutants for test in mutant.test.split()}), copy)
    if status != 0:
        print("".join((copy / LOG).read_text().splitlines(keepends=True)[-40:]))
        print(f"mutants: the tests of the list do not pass by themselves (pytest says {status})")
    return status == 0


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("files", nargs="*", metavar="PREFIX", help="try only mutants of files that begin so")
    chosen = parser.parse_args(arguments).files
    mutants = [mutant for mutant in read() if not chosen or mutant.file.startswith(tuple(chosen))]
    faults = [(mutant, reason) for mutant in mutants if (reason := fault(mutant))]
    for mutant, reason in faults:
        print(f"faulty    {mutant}: {reason}")
    if faults or not mutants:
        print(f"mutants: {len(faults)} of {len(mutants)} cannot be tried")
        return 1
    scratch = Path(tempfile.mkdtemp(prefix="exod-mutants-"))
    try:
        copies = [make_copy(ROOT, scratch / str(number)) for number in range(WORKERS)]
        if not sound(mutants, copies[0]):
            return 1
        verdicts = judge(mutants, copies)
    finally:
        shutil.rmtree(scratch)
    for mutant, word in verdicts:
        if word != "caught":
            print(f"NOT caught: {mutant}: {word} ({mutant.test})")
    caught = sum(word == "caught" for _, word in verdicts)
    print(f"mutants: {caught} of {len(verdicts)} caught")
    return 0 if caught == len(verdicts) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
