"""A look that fails, hangs or dies has found nothing out; and it leaves nothing behind."""

import os
import signal
from pathlib import Path

import pytest

from exod.brokers.doctor import probing
from exod.brokers.doctor.check import Action, Check, Verdict, ok, warning
from exod.brokers.doctor.host import Host
from tests.exod.brokers.doctor.broken import children, host


def check(probe: object, *, id_: str = "x", seconds: float = 5.0, **more: object) -> Check:
    return Check(id_, "title", "cost", "why", probe, seconds=seconds, **more)  # type: ignore[arg-type]


def _denied(_: Host) -> Verdict:
    raise PermissionError(1, "no")


def _broken(_: Host) -> Verdict:
    raise KeyError("surprise")


def _dead(_: Host) -> Verdict:
    os.kill(os.getpid(), signal.SIGKILL)
    return ok("never")


def _hung(_: Host) -> Verdict:
    os.fork()
    while True:
        signal.pause()


@pytest.mark.parametrize(
    ("probe", "words"),
    [
        (_denied, "may not look: [Errno 1] no"),
        (_broken, "cannot look: KeyError: 'surprise'"),
        (_dead, "the look ended without an answer"),
        (_hung, "no answer within 0.1 s"),
    ],
)
def test_a_look_that_fails_is_unknown(probe: object, words: str, tmp_path: Path) -> None:
    before, others = set(os.listdir("/proc/self/fd")), children()
    [(_, verdict)] = probing.examine([check(probe, seconds=0.1 if probe is _hung else 5.0)], host(tmp_path))
    assert (verdict.level.value, verdict.what) == ("unknown", words)
    assert set(os.listdir("/proc/self/fd")) == before
    assert children() == others


def test_findings_come_in_the_order_of_the_checks(tmp_path: Path) -> None:
    checks = [check(lambda _, n=number: ok("x" * 70_000 * (n % 3)), id_=str(number)) for number in range(20)]
    seen = [(one.id, len(verdict.what)) for one, verdict in probing.examine(checks, host(tmp_path))]
    assert seen == [(str(number), 70_000 * (number % 3)) for number in range(20)]


def test_a_wall_stands_only_before_the_look(tmp_path: Path) -> None:
    list(probing.examine([check(lambda _: ok(str(os.setuid(4711))))], host(tmp_path)))
    assert os.getuid() == 0


def test_what_is_well_costs_nothing_and_needs_no_repair(tmp_path: Path) -> None:
    one = check(None, repair=lambda _: [Action("do it", lambda: None)])
    assert probing.finding(one, ok("fine"), host(tmp_path))["repair"] == []
    row = probing.finding(one, warning("loose"), host(tmp_path))
    assert (row["cost"], row["repair"], row["level"]) == ("cost", ["do it"], "warning")
    assert probing.finding(check(None), warning("loose"), host(tmp_path))["repair"] == []


def test_a_repair_that_cannot_be_planned_ends_no_other_finding(tmp_path: Path) -> None:
    def fail(_: Host) -> list[Action]:
        raise RecursionError("a tree as deep as a plugin likes")

    row = probing.finding(check(None, repair=fail), warning("loose"), host(tmp_path))
    assert (row["level"], row["repair"]) == ("warning", [])


def test_who_follows_a_parent_that_is_gone_ends_at_once() -> None:
    pid = os.fork()
    if pid == 0:
        probing.follow(1 if os.getppid() != 1 else 2)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 1
