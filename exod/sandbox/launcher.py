"""Starts a keeper as production's service manager would: own group, own mounts, own uid, nothing inherited.

Runs as a fresh process, as root, for as long as it takes to become the keeper; what cannot be set up ends it.
"""

import fcntl
import os
import resource
import signal
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from exod.linux import mount, syscall
from exod.linux.descriptors import opened
from exod.linux.pidfd import pidfd_open, pidfd_send_signal
from exod.sandbox import keeper_main, runtime

_CLONE_NEWNS = 0x00020000
_PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS = 24, 38
_CODE = "/run/exod/code"
_WAITING = 8
"""Connections that a keeper has not accepted yet."""


def main() -> None:
    """SOURCES GROUPS UID LISTENER"""
    sources, groups, uid, listener = sys.argv[1:]
    (Path(groups) / "core/cgroup.procs").write_text("0")
    private_runtime([Path(source) for source in sources.split(os.pathsep)])
    become(int(uid))
    execute(groups, listener=int(listener))


def listen(path: Path) -> int:
    """Only root connects; a socket that an earlier keeper left is replaced."""
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    mask = os.umask(0o177)
    try:
        listener.bind(str(path))
    finally:
        os.umask(mask)
    listener.listen(_WAITING)
    return listener.detach()


def execute(groups: str, *, listener: int) -> NoReturn:
    """This process is the keeper from here on, with nothing of its own left but the listening socket."""
    fcntl.fcntl(listener, fcntl.F_SETFD, 0)
    signal.pthread_sigmask(signal.SIG_BLOCK, keeper_main.RENEW)
    start = keeper_main.command(_CODE, "exod.sandbox.keeper_main", _CODE, groups, "listen", str(listener))
    os.chdir("/")
    os.execve(start[0], start, {})


def renew() -> None:
    """SOURCES PID: the keeper PID begins anew, in place, on what is installed now; nothing that it keeps notices.

    A fresh process with one thread, as root: nobody else may enter another's mounts.
    """
    sources, keeper = sys.argv[1:]
    replace_runtime([Path(source) for source in sources.split(os.pathsep)], keeper=int(keeper))


def replace_runtime(sources: Sequence[Path], *, keeper: int) -> None:
    tree = runtime.build(sources)
    with opened(pidfd_open(keeper)) as process:
        syscall.setns(process, _CLONE_NEWNS)
        syscall.detach(runtime.PLACE)
        runtime.attach(tree)
        pidfd_send_signal(process, signal.SIGHUP)


def private_runtime(sources: Sequence[Path]) -> None:
    """A mount namespace in which /run holds the runtime: the keeper's uid may not be able to reach it elsewhere."""
    tree = runtime.build(sources)
    syscall.unshare(_CLONE_NEWNS)
    syscall.mount(None, "/", None, mount.MS_REC | mount.MS_PRIVATE)
    runtime.attach(tree)
    os.close(tree)


def become(uid: int) -> None:
    """No privilege left, and none to be had."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    for capability in range(64):
        try:
            syscall.prctl(_PR_CAPBSET_DROP, capability)
        except OSError:
            break
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    syscall.prctl(_PR_SET_NO_NEW_PRIVS, 1)
    os.umask(0o077)
