"""Children that do not outlive us, and trees of them."""

import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from exosdk.testing.vm import Unusable, children

PARENT = """
import sys
from exosdk.testing.vm import children
child = children.spawn(["sleep", "infinity"])
while open(f"/proc/{child.pid}/comm").read().strip() != "sleep":
    pass  # only what setpriv has bound to us dies with us
print(child.pid, flush=True)
sys.stdin.read()
"""


def test_a_child_dies_with_its_parent_however_that_dies() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        pidfd = os.pidfd_open(int(parent.stdout.readline()))
        parent.kill()
    assert select.select([pidfd], [], [], 20)[0]
    os.close(pidfd)


def test_a_child_is_ended_once_and_for_all() -> None:
    child = children.spawn(["sleep", "infinity"])
    children.end(child)
    children.end(child)
    assert child.returncode == -signal.SIGKILL


def test_a_tree_that_fails_is_told_with_its_last_words(tmp_path: Path) -> None:
    children.run_tree(["sh", "-c", "echo fine"], log=tmp_path / "log", deadline=30)
    with pytest.raises(Unusable, match=r"(?s)exit 3.*no such luck"):
        children.run_tree(["sh", "-c", "echo no such luck; exit 3"], log=tmp_path / "log", deadline=30)


def test_a_tree_that_takes_too_long_is_felled(tmp_path: Path) -> None:
    with pytest.raises(Unusable, match="cannot run sh"):
        children.run_tree(["sh", "-c", "sleep infinity & wait"], log=tmp_path / "log", deadline=0.05)


def test_a_missing_tool_is_named() -> None:
    with pytest.raises(Unusable, match="no-such-tool is missing"):
        children.spawn(["no-such-tool"])
