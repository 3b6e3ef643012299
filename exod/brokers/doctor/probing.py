"""Checks and a host → findings. Each probe runs in a child of its own, all at once, each with its deadline.

A child, since walls cannot be taken down again by who stands behind them, and since a broken host may hold a look for
ever. A probe that fails, or is late, has found nothing out: `unknown`, never `ok`.
"""

import json
import os
import select
import signal
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from exod.brokers.doctor.check import Check, Level, Verdict, unknown
from exod.brokers.doctor.host import Host
from exod.linux.syscall import prctl

_PR_SET_PDEATHSIG = 1
_TOGETHER = 8
"""Children at once: more would only make each other late."""


def examine(checks: Sequence[Check], host: Host) -> Iterator[tuple[Check, Verdict]]:
    """In the order of `checks`."""
    waiting, running = list(checks), dict[str, _Child]()
    for check in checks:
        while waiting and len(running) < _TOGETHER:
            following = waiting.pop(0)
            running[following.id] = _start(following, host)
        yield check, _finish(running.pop(check.id))


@dataclass(frozen=True, slots=True)
class _Child:
    pid: int
    answer: int
    deadline: float
    seconds: float


def _start(check: Check, host: Host) -> _Child:
    answer, mine = os.pipe2(os.O_CLOEXEC)
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        _child(check, host, mine, parent=parent)
    os.close(mine)
    return _Child(pid, answer, time.monotonic() + check.seconds, check.seconds)


def _child(check: Check, host: Host, answer: int, *, parent: int) -> None:
    try:
        os.setpgid(0, 0)
        follow(parent)
        verdict = judged(check, host)
        data = json.dumps([verdict.level.value, verdict.what]).encode() + b"\n"
        while data:
            data = data[os.write(answer, data) :]
    finally:
        os._exit(0)


def follow(parent: int) -> None:
    """This process ends with `parent`, which may have ended already."""
    prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def judged(check: Check, host: Host) -> Verdict:
    """What the probe says, in this very process."""
    try:
        return check.probe(host)
    except PermissionError as error:
        return unknown(f"may not look: {error}")
    except Exception as error:  # whatever it was, nothing was found out
        return unknown(f"cannot look: {type(error).__name__}: {error}")


def _finish(child: _Child) -> Verdict:
    try:
        data = _line(child)
    finally:
        os.close(child.answer)
        # What the probe started, and the probe if it is late. It is not reaped yet: no other group has its number.
        os.killpg(child.pid, signal.SIGKILL)
        os.waitpid(child.pid, 0)
    if data is None:
        return unknown(f"no answer within {child.seconds:g} s")
    return _verdict(data)


def _line(child: _Child) -> bytes | None:
    """What the child said, b"" if it ended without a word, None if it is late."""
    data, poll = b"", select.poll()
    poll.register(child.answer, select.POLLIN)
    while not data.endswith(b"\n"):
        left = child.deadline - time.monotonic()
        if left <= 0 or not poll.poll(left * 1000):
            return None
        part = os.read(child.answer, 65536)
        if not part:
            return b""
        data += part
    return data


def _verdict(data: bytes) -> Verdict:
    if not data:
        return unknown("the look ended without an answer")
    level, what = json.loads(data)
    return Verdict(Level(level), what)


def finding(check: Check, verdict: Verdict, host: Host) -> dict[str, Any]:
    """As the command line and the bus show it; `repair` in sentences, and only where something is amiss."""
    amiss = verdict.level is not Level.OK
    return {
        "id": check.id,
        "title": check.title,
        "level": verdict.level.value,
        "what": verdict.what,
        "cost": check.cost if amiss else "",
        "why": check.why,
        "repair": _steps(check, host) if amiss else [],
        "protection": check.protection,
    }


def _steps(check: Check, host: Host) -> list[str]:
    """None where they cannot be found out: the other findings are not to end with this one."""
    try:
        return [action.description for action in check.repair(host)] if check.repair is not None else []
    except Exception:
        return []
