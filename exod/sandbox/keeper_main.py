"""The keeper's process: command line → a keeper that runs; how it starts a zygote, and starts itself again in place."""

import fcntl
import os
import signal
import sys

from exod.sandbox.keeper import Keeper
from exod.sandbox.table import Table, load, store

CHANNEL = 3
RENEW = (signal.SIGHUP,)
"""Asks a keeper to begin anew as the program that its runtime holds now; blocked until it is one."""
PYTHON = ("-I", "-S", "-B", "-X", "frozen_modules=on", "-X", "utf8=1", "-c")


def command(code: str, module: str, *arguments: str, function: str = "main") -> list[str]:
    """An isolated interpreter that sees the standard library and `code`, and runs `function` of `module`."""
    start = f"import sys; sys.path.append({code!r}); from {module} import {function}; {function}()"
    return [os.path.realpath(sys.executable), *PYTHON, start, *arguments]


def main() -> None:
    """keeper CODE GROUPS listen|resume DESCRIPTOR"""
    code, groups, what, descriptor = sys.argv[1:]
    table = Table(listener=int(descriptor)) if what == "listen" else load(int(descriptor))
    for kept in table.descriptors():
        fcntl.fcntl(kept, fcntl.F_SETFD, fcntl.FD_CLOEXEC)

    def start_zygote(end: int) -> int:
        pid = os.fork()
        if pid == 0:
            _become_zygote(end, code=code, groups=groups)
        return pid

    def reexecute(table: Table) -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, RENEW)  # a second one would meet an image that does not know it yet
        memory = store(table)
        for kept in (memory, *table.descriptors()):
            fcntl.fcntl(kept, fcntl.F_SETFD, 0)
        again = command(code, "exod.sandbox.keeper_main", code, groups, "resume", str(memory))
        os.execve(again[0], again, {})

    keeper = Keeper(table, groups=groups, start_zygote=start_zygote, reexecute=reexecute)
    heard, alarm = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    keeper.heed(heard)
    signal.set_wakeup_fd(alarm)
    signal.signal(signal.SIGHUP, lambda *_: None)  # what it brings about is done where requests are served
    signal.pthread_sigmask(signal.SIG_UNBLOCK, RENEW)
    keeper.run()


def _become_zygote(end: int, *, code: str, groups: str) -> None:
    """In the fork: another group, one socket, no environment. Everything else closes at the execution."""
    try:
        group = os.open(f"{groups}/zygotes/cgroup.procs", os.O_WRONLY | os.O_CLOEXEC)
        os.write(group, b"0")
        null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        for low in (0, 1):
            os.dup2(null, low)
        if end == CHANNEL:
            fcntl.fcntl(end, fcntl.F_SETFD, 0)
        else:
            os.dup2(end, CHANNEL)
        start = command(code, "exod.sandbox.zygote")
        os.execve(start[0], start, {})
    finally:
        os._exit(127)
