"""THREATS 25: a pid that came from somebody else, or that may be another's by now, is never acted upon."""

import ast
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from exod.errors import Refused
from exod.sandbox import walls

ROOT = Path(__file__).resolve().parents[2]
UNREAPED = ["os.killpg(child.pid, signal.SIGKILL)"]
"""The doctor's look, whose group has the number of a child that it has not waited for; pidfds name no groups here."""
SIGNALLERS = {("os", "kill"), ("os", "killpg"), ("signal", "pthread_kill")}


def signals(path: Path) -> Iterator[str]:
    """Calls that signal by number, but for a process that signals itself: its own number is never another's."""
    for node in ast.walk(ast.parse(path.read_text())):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and isinstance(node.func.value, ast.Name)
        ):
            whom = ast.unparse(node.args[0]) if node.args else ""
            if (node.func.value.id, node.func.attr) in SIGNALLERS and whom != "os.getpid()":
                yield ast.unparse(node)


def test_nothing_in_the_daemon_signals_by_number() -> None:
    sources = sorted((ROOT / "exod").rglob("*.py"))
    assert len(sources) > 50
    assert [call for path in sources for call in signals(path)] == UNREAPED


def test_a_process_that_ended_while_it_was_looked_at_is_refused() -> None:
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    descriptor = os.pidfd_open(pid)
    os.waitid(os.P_PIDFD, descriptor, os.WEXITED)
    with pytest.raises(Refused, match="process is ended"):  # the number now shown is this process's own
        walls.inspect(1, walls.Expected(os.getpid(), descriptor, 0, 0, "", 0))
    os.close(descriptor)
