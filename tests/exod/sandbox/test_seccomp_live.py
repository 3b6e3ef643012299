"""The filter as the kernel runs it: loaded in a process, and calls made through the three real entries of x86-64."""

import signal
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from exod.linux.numbers import NUMBERS
from exod.sandbox import seccomp
from exod.sandbox.bpf import ALLOW
from tests.exod.sandbox.classic_bpf import Program

HERE = Path(__file__).parent
NUMBER = NUMBERS["x86_64"]
PLAIN, *_ = seccomp.profiles("x86_64")
Try = Callable[[Sequence[str]], list[int]]
EXEMPT = {335, 336}
"""uretprobe and uprobe: the kernel asks no filter about them (6.18); they serve nobody but a probe's own trampoline."""


@pytest.fixture(scope="module")
def attempt(tmp_path_factory: pytest.TempPathFactory) -> Try:
    place = tmp_path_factory.mktemp("filtered")
    command = ["gcc", "-O1", "-Wall", "-Werror", "-o", str(place / "filtered"), str(HERE / "filtered.c")]
    subprocess.run(command, check=True)
    (place / "filter").write_bytes(PLAIN)

    def run(texts: Sequence[str]) -> list[int]:
        command = [place / "filtered", place / "filter", *texts]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        return [int(line) for line in done.stdout.split()]

    return run


@pytest.mark.slow
def test_every_number_that_is_not_allowed_has_its_errno_from_the_kernel(attempt: Try) -> None:
    program = Program(PLAIN)
    verdicts = {number: program.run(number) for number in set(range(512)) - EXEMPT}
    refused = {number: verdict & 0xFFFF for number, verdict in verdicts.items() if verdict != ALLOW}
    assert len(refused) > 300
    assert dict(zip(refused, attempt([f"64:{number}" for number in refused]), strict=True)) == refused


def test_what_needs_no_argument_is_allowed(attempt: Try) -> None:
    names = ["getpid", "getuid", "gettid", "sched_yield", "getppid", "umask", "times", "getpgrp"]
    assert attempt([f"64:{NUMBER[name]}" for name in names]) == [0] * len(names)


# A kernel without 32-bit calls ends who makes one by another signal.
@pytest.mark.parametrize(("entry", "signals"), [("x32", {signal.SIGSYS}), ("32", {signal.SIGSYS, signal.SIGSEGV})])
def test_any_call_through_another_entry_ends_the_process(attempt: Try, entry: str, signals: set[int]) -> None:
    numbers = [*range(0, 512, 16), NUMBER["getpid"], 20, 1023]
    assert {-status for status in attempt([f"{entry}:{number}" for number in numbers])} <= signals


def test_arguments_are_seen_at_their_full_width(attempt: Try) -> None:
    high = 1 << 32
    results = attempt([
        f"64:{NUMBER['mmap']}:0:4096:3:0x22:-1:0",
        f"64:{NUMBER['mmap']}:0:4096:7:0x22:-1:0",
        f"64:{NUMBER['mmap']}:0:4096:{high | 3}:0x22:-1:0",
        f"64:{NUMBER['prctl']}:3",
        f"64:{NUMBER['prctl']}:{high | 3}",
        f"64:{NUMBER['prctl']}:4:1",
        f"64:{NUMBER['clone']}:17",
        f"64:{NUMBER['socket']}:2:1:0",
    ])  # fmt: skip
    assert results == [0, 1, 1, 0, 0, 1, 1, 1]
