"""The steps of a ring's waiting can still be judged: each is where the bench changes it, and a changed ring carries."""

import subprocess
import sys
from pathlib import Path

import pytest

from bench import ring_waits

BELL = (ring_waits._RING / "_bell.h").read_text()


@pytest.mark.parametrize("step", ring_waits.STEPS)
def test_each_step_is_where_the_bench_changes_it(step: str) -> None:
    assert (ring_waits.changed(BELL, ring_waits.STEPS[step]) == BELL) == (step == "as it is")


def test_a_change_that_fits_nowhere_is_refused() -> None:
    with pytest.raises(RuntimeError, match="holds not once: no such line"):
        ring_waits.changed(BELL, [("no such line", "")])


@pytest.mark.slow
def test_what_is_measured_is_the_ring_that_was_changed(tmp_path: Path) -> None:
    ring_waits.build(tmp_path, ring_waits.STEPS["sleeps at once"])
    code = "import sys; sys.path.insert(0, sys.argv[1]); from bench import ring_waits, rings; import exosdk\n"
    code += "print(exosdk.__file__, len(rings.staged(lambda: ring_waits.paced(rings.LAST, 1000, 50))))"
    done = subprocess.run([sys.executable, "-I", "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)
    assert done.stdout == f"{tmp_path}/exosdk/__init__.py 3\n"
