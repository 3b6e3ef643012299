"""A daemon's log as events, and Python in a child of its own: what its tests wait for and cannot do in themselves."""

import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

DEADLINE = 20.0


class Lines:
    """What is appended to a file, line by line. Read without a buffer that select(2) does not see."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._rest = b""

    def until(self, words: str) -> str:
        """The next line with the words in it; raises TimeoutError."""
        deadline = time.monotonic() + DEADLINE
        while True:
            line, end, rest = self._rest.partition(b"\n")
            if end:
                self._rest = rest
                if words in line.decode():
                    return line.decode()
            elif select.select([self._fd], [], [], max(0.0, deadline - time.monotonic()))[0]:
                self._rest += os.read(self._fd, 65536)
            else:
                raise TimeoutError(f"never logged: {words}")


@contextmanager
def listening(log: Path) -> Iterator[Lines]:
    """What is logged from here on."""
    command = ["tail", "--lines=0", "--follow=name", "--retry", "--silent", str(log)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as tail:
        assert tail.stdout is not None
        try:
            _until_open(tail.pid, log)
            yield Lines(tail.stdout.fileno())
        finally:
            tail.kill()


def _until_open(pid: int, path: Path) -> None:
    """Returns when the process has the file open and waits for more: what is written now is read by it."""
    until = time.monotonic() + DEADLINE
    while not {str(path), "anon_inode:inotify"} <= {_target(link) for link in Path(f"/proc/{pid}/fd").iterdir()}:
        if time.monotonic() > until:
            raise TimeoutError(f"{pid} never opened {path}")


def _target(link: Path) -> str:
    try:
        return os.readlink(link)
    except FileNotFoundError:
        return ""


def run(source: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`source` in an interpreter of its own, isolated as the daemon is."""
    return subprocess.run([sys.executable, "-I", "-c", source, *arguments], capture_output=True, text=True, timeout=30)
