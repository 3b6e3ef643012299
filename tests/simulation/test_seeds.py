"""2,000 runs in which anything may fail, each decided by its seed: `python -m tests.simulation --seed N` shows one."""

import hashlib
import os
import subprocess
import sys

import pytest

from tests.simulation.driver import run, sweep

BLOCK, SEEDS, MEASURED = 400, 2000, 100
"""The first seeds run here, where coverage counts them; the others in children that it does not slow down."""


def test_every_invariant_holds_whatever_fails_in_the_first_seeds() -> None:
    wrong = {result.seed: result.problems for result in sweep(1, MEASURED)}
    assert not wrong


@pytest.mark.slow
@pytest.mark.parametrize("first", range(MEASURED + 1, SEEDS + 1, BLOCK))
def test_every_invariant_holds_whatever_fails(first: int) -> None:
    seeds = f"{first}..{min(first + BLOCK - 1, SEEDS)}"
    command = [sys.executable, "-m", "tests.simulation", "--seeds", seeds]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
    found = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout[-4000:] + found.stderr[-4000:]


@pytest.mark.parametrize("seed", [28165, 43248, 47110])
def test_a_seed_that_was_once_wrong_stays_right(seed: int) -> None:
    """An unload whose end could not be recorded; a reload that met a load being undone."""
    assert run(seed).problems == []


def test_a_seed_gives_the_same_trace_twice() -> None:
    for seed in range(1, 21):
        assert run(seed).trace == run(seed).trace


def test_runs_are_not_all_alike_and_do_reach_the_deep_parts() -> None:
    text = "\n".join(line for seed in range(1, 201) for line in run(seed).trace)
    for needle in (
        "code=crash-loop",
        "code=keeper-lost",
        "code=downgrade",
        "code=limit-exceeded",
        "code=lint-refused",
        "code=other-owner",
        "code=cancelled",
        "code=interrupted",
        "code=host-error",
        "code=dependency-failed",
        "code=timed-out",
        "kind=restore",
        "kind=restart",
        "change=unpin",
        "KILL at after",
        "clock jumps",
    ):
        assert needle in text, needle


@pytest.mark.slow
@pytest.mark.parametrize("hash_seed", ["1", "2"])
def test_a_trace_does_not_depend_on_the_hash_seed(hash_seed: str) -> None:
    script = "from tests.simulation.test_seeds import digest; print(digest())"
    environment = os.environ | {"PYTHONHASHSEED": hash_seed}
    found = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == digest()


def digest() -> str:
    """Of the traces of twenty seeds."""
    text = "\n".join(line for seed in range(1, 21) for line in run(seed).trace)
    return hashlib.sha256(text.encode()).hexdigest()
