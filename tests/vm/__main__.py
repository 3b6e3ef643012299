"""`make test-vm`: python -m tests.vm SUITE [TEST…] makes the machines, tells what that took, and runs the tests.

The .deb under test is the one that `make deb SUITE=…` left in build/deb/SUITE.
"""

import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from exosdk.testing.vm import Unusable
from exosdk.testing.vm.house import House
from tests.vm.conftest import FIGURES

BESIDE = ("-n", "2", "--dist", "loadfile")
"""Two machines at once: a guest that boots keeps one core busy."""
EVERY = ("tests/vm", "--ignore=tests/vm/test_image.py")
"""A start through firmware takes minutes, and nothing else needs it: make test-image."""
ROOT = Path(__file__).resolve().parents[2]


def main(suite: str, tests: Sequence[str]) -> int:
    began = time.monotonic()
    [deb] = sorted((ROOT / "build/deb" / suite).glob("*.deb"))
    try:
        with House(suite, debs=[deb]) as house:
            for bare in (False, True):
                house.restored(bare=bare).close()
    except Unusable as error:
        sys.stderr.write(f"vm: {error}\n")
        return 1
    tell(f"machines are there after {time.monotonic() - began:.0f} s")
    figures = ROOT / "build/vm" / suite / FIGURES
    shutil.rmtree(figures.parent, ignore_errors=True)  # what is there afterwards is of this run
    options = ["-q", "-m", "vm", "--durations=10", f"--vm-suite={suite}", f"--vm-deb={deb}", *BESIDE]
    verdict = subprocess.run([sys.executable, "-m", "pytest", *options, *(tests or EVERY)], cwd=ROOT).returncode
    for line in figures.read_text().splitlines() if figures.exists() else ():
        tell(line)
    tell(f"all of it took {time.monotonic() - began:.0f} s")
    return verdict


def tell(words: str) -> None:
    sys.stderr.write(f"vm: {words}\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
