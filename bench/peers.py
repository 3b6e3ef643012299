"""Others that start a plugin: a plain `python3`, multiprocessing's forkserver, bubblewrap. Each: start → ready → end.

They are given less to do than exod: no signature, no journal, no handshake, no check; forkserver not even a sandbox.
"""

import contextlib
import multiprocessing
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Protocol

from bench import peer_plugin

PLUGIN = str(Path(peer_plugin.__file__))
_BWRAP = ("--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL")
_VIEW = ("--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/run")


class Started(Protocol):
    """One running peer."""

    @property
    def pid(self) -> int: ...
    def end(self) -> None: ...


class Command:
    """A peer that is a command: exec → one byte on its output."""

    def __init__(self, command: Sequence[str]) -> None:
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self._process.stdout is not None
        if self._process.stdout.read(1) != b"R":
            raise RuntimeError(f"peer did not start: {' '.join(command)}")

    @property
    def pid(self) -> int:
        """The process that runs the plugin: the innermost child, since bwrap stays around as its parent."""
        pid = self._process.pid
        while children := Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            pid = int(children[0])
        return pid

    def end(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


class Forked:
    """A peer forked from a warm server that has pluggy imported."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["bench.peer_plugin"])
        self._end, far_end = context.Pipe()
        self._process = context.Process(target=_forked, args=(far_end,), daemon=True)
        self._process.start()
        far_end.close()
        self._end.recv_bytes()

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    def end(self) -> None:
        self._end.close()
        self._process.join()
        self._process.close()


def _forked(end: Connection) -> None:
    peer_plugin.start()
    end.send_bytes(b"R")
    with contextlib.suppress(EOFError):
        end.recv_bytes()


def plain() -> Started:
    return Command([sys.executable, "-I", PLUGIN])


def bubblewrap() -> Started:
    bwrap = shutil.which("bwrap")
    if bwrap is None:
        raise RuntimeError("bwrap is not installed: run make setup")
    return Command([bwrap, *_BWRAP, *_VIEW, sys.executable, "-I", PLUGIN])


PEERS: dict[str, Callable[[], Started]] = {
    "python3 + pluggy": plain,
    "multiprocessing forkserver": Forked,
    "bwrap + python3": bubblewrap,
}


def timed(start: Callable[[], Started]) -> tuple[float, float]:
    """Milliseconds from the request to ready, and from the end's request to gone."""
    began = time.perf_counter()
    peer = start()
    ready = time.perf_counter()
    peer.end()
    return (ready - began) * 1e3, (time.perf_counter() - ready) * 1e3


def spawn_floor() -> float:
    """Milliseconds for the kernel to start and reap the smallest program: nothing that makes a process is cheaper."""
    began = time.perf_counter()
    os.waitpid(os.posix_spawn("/bin/true", ["true"], {}), 0)
    return (time.perf_counter() - began) * 1e3
