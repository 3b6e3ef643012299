"""Limits and use in, warnings and verdicts out; and what the kernel is told."""

from dataclasses import replace
from typing import Any

import pytest

from exod.brokers.resources import rules
from exod.brokers.resources.rules import Mark, Subject, Usage, Verdict, average, judge
from exod.package.limits import Limits

LIMITS = Limits(memory=100 << 20, cpu=20, io=1 << 20, files=10, tasks=10, storage=1000, run_time=100.0)
SUBJECT = Subject(1, "hello", 42, LIMITS)
EVERYTHING = frozenset(["memory", "cpu", "io", "tasks"])


def marks(*, cpu: float = 0.0, io: float = 0.0, seconds: int = 20) -> list[Mark]:
    """One a second, with that much of a core and so many bytes a second all the time."""
    return [Mark(float(at), int(at * cpu * 1e4), int(at * io)) for at in range(seconds + 1)]


def verdicts(usage: Usage, *, subject: Subject = SUBJECT, held: frozenset[str] = frozenset(), **rate: Any) -> list[str]:
    said, _ = judge(subject, usage, marks(**rate), held=held, warned=())
    return [f"{one.limit} {'ends' if one.ends else 'warns'}" for one in said]


@pytest.mark.parametrize(
    ("usage", "said"),
    [
        (Usage(memory=79 << 20), []),
        (Usage(memory=80 << 20), ["memory warns"]),
        (Usage(memory=(100 << 20) - 1), ["memory warns"]),
        (Usage(memory=100 << 20), ["memory ends"]),
        (Usage(files=7), []),
        (Usage(files=8), ["files warns"]),
        (Usage(files=10), ["files warns"]),
        (Usage(files=11), ["files ends"]),
        (Usage(tasks=7), []),
        (Usage(tasks=10), ["tasks warns"]),
        (Usage(tasks=11), ["tasks ends"]),
        (Usage(tasks=10, refused=1), ["tasks ends"]),
        (Usage(storage=799), []),
        (Usage(storage=800), ["storage warns"]),
        (Usage(storage=1000), ["storage ends"]),
        (Usage(ran=79.9), []),
        (Usage(ran=80.0), ["run-time warns"]),
        (Usage(ran=100.0), ["run-time ends"]),
        (Usage(memory=90 << 20, files=9), ["memory warns", "files warns"]),
        (Usage(memory=90 << 20, files=11), ["files ends"]),
    ],
)
def test_a_count_may_be_reached_and_an_amount_may_not(usage: Usage, said: list[str]) -> None:
    assert verdicts(usage) == said


@pytest.mark.parametrize(
    ("rate", "said"),
    [
        ({"cpu": 15.9}, []),
        ({"cpu": 16.1}, ["cpu warns"]),
        ({"cpu": 18.9}, ["cpu warns"]),
        ({"cpu": 19.1}, ["cpu ends"]),
        ({"cpu": 200.0, "seconds": 4}, []),
        ({"cpu": 200.0, "seconds": 5}, ["cpu warns"]),
        ({"cpu": 200.0, "seconds": 19}, ["cpu warns"]),
        ({"cpu": 200.0, "seconds": 20}, ["cpu ends"]),
        ({"io": 0.79 * (1 << 20)}, []),
        ({"io": 0.81 * (1 << 20)}, ["io warns"]),
        ({"io": 1.01 * (1 << 20)}, ["io ends"]),
    ],
)
def test_a_rate_is_judged_by_its_average(rate: dict[str, Any], said: list[str]) -> None:
    assert verdicts(Usage(), **rate) == said


def test_what_has_no_end_is_not_looked_at() -> None:
    eternal = replace(SUBJECT, limits=replace(LIMITS, run_time=0.0, storage=0))
    assert verdicts(Usage(ran=1e9), subject=eternal) == []
    assert verdicts(Usage(storage=1), subject=eternal) == ["storage ends"]


def test_one_that_may_have_one_task_is_not_warned_of_it() -> None:
    alone = replace(SUBJECT, limits=replace(LIMITS, tasks=1))
    assert verdicts(Usage(tasks=1), subject=alone) == []
    assert verdicts(Usage(tasks=2), subject=alone) == ["tasks ends"]


@pytest.mark.parametrize("held", [frozenset[str](), EVERYTHING])
def test_what_is_to_be_slowed_down_is_so_where_the_kernel_does_it(held: frozenset[str]) -> None:
    slowed = replace(SUBJECT, on_limit="throttle")
    said = "warns" if held else "ends"
    assert verdicts(Usage(), subject=slowed, held=held, cpu=20.0) == [f"cpu {said}"]
    assert verdicts(Usage(), subject=slowed, held=held, io=1 << 20) == [f"io {said}"]
    assert verdicts(Usage(tasks=11), subject=slowed, held=held) == ["tasks ends"]


def test_the_kernel_itself_ends_what_runs_out_of_memory() -> None:
    assert verdicts(Usage(memory=100 << 20), held=EVERYTHING) == ["memory warns"]
    assert verdicts(Usage(), held=EVERYTHING, cpu=20.0) == ["cpu ends"]


def test_a_warning_is_said_once_until_it_is_over() -> None:
    warned: frozenset[str] = frozenset()
    heard = []
    for files in (7, 8, 10, 8, 7, 9, 6, 8):
        said, warned = judge(SUBJECT, Usage(files=files), marks(), held=(), warned=warned)
        heard.append(len(said))
    assert heard == [0, 1, 0, 0, 0, 0, 0, 1]


def test_a_rate_takes_as_long_to_be_known_as_it_is_averaged_over() -> None:
    assert average(marks(cpu=50.0, seconds=4), seconds=5.0).cpu == 0.0
    assert average(marks(cpu=50.0, seconds=5), seconds=5.0).cpu == pytest.approx(50.0)
    assert average([Mark(1.0, 5, 5), Mark(1.0, 9, 9)], seconds=0.0) == rules.Rates()


@pytest.mark.parametrize(
    ("verdict", "said"),
    [
        (Verdict("memory", 70 << 20, 64 << 20), "limit of memory: 70.0 MiB, allowed are 64.0 MiB"),
        (Verdict("io", 11 << 20, 10 << 20), "limit of io: 11.0 MiB/s, allowed are 10.0 MiB/s"),
        (Verdict("cpu", 99.7, 20), "limit of cpu: 100 %, allowed are 20 %"),
        (Verdict("tasks", 40, 8), "limit of tasks: 40, allowed are 8"),
        (Verdict("run-time", 3600.4, 3600), "limit of run-time: 3600 s, allowed are 3600 s"),
    ],
)
def test_a_verdict_says_which_limit_how_much_and_what_was_allowed(verdict: Verdict, said: str) -> None:
    refusal = verdict.refusal("hello", instance="7")
    assert refusal.code == "limit-exceeded"
    assert refusal.sentence == f"cannot keep hello running: it went over its {said}"
    assert refusal.evidence["limit"] == verdict.limit
    assert (refusal.evidence["used"], refusal.evidence["instance"]) == (f"{verdict.used:.0f}", "7")


def test_the_kernel_is_told_every_limit_that_it_knows() -> None:
    assert rules.group_files(LIMITS, disk="8:0") == {
        "memory.max": str(100 << 20),
        "memory.swap.max": "0",
        "memory.oom.group": "1",
        "pids.max": "10",
        "cpu.max": "100000 100000",
        "io.max": f"8:0 rbps={1 << 20} wbps={1 << 20}",
    }
    assert "io.max" not in rules.group_files(LIMITS, disk="")
    assert rules.cpu_max(20) == "20000 100000"


def test_a_start_is_not_slower_than_a_core_and_no_faster_than_the_limit() -> None:
    assert rules.group_files(replace(LIMITS, cpu=250), disk="")["cpu.max"] == "250000 100000"


@pytest.mark.parametrize(
    ("files", "missing"),
    [
        (["memory.max", "pids.max", "cpu.max", "io.max"], ""),
        (["memory.max", "pids.max", "cpu.max"], "no controller for io:"),
        ([], "no controller for memory, pids, cpu, io:"),
    ],
)
def test_what_a_host_lacks_is_named_and_only_that(files: list[str], missing: str) -> None:
    found = rules.lacks(files)
    assert (not found) if not missing else missing in found["limits"]
