"""A keeper for `exod --dev`, which no service manager starts: a socket in DIR/run → a process that listens on it."""

import os
import socket
import subprocess
from pathlib import Path

from exod.linux.descriptors import opened
from exod.sandbox import runtime
from exod.sandbox.keeper_main import command

_CODE = Path(__file__).resolve().parent.parent.parent


def start(run: Path, *, sdk: Path, groups: Path, uid: int) -> subprocess.Popen[bytes]:
    """Returns when the launcher was executed; connections wait in the socket's queue until the keeper listens.

    Its own session: what interrupts exod at a terminal must not reach the parent of all instances.
    """
    path = run / "keeper.sock"
    path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        mask = os.umask(0o177)
        try:
            listener.bind(str(path))
        finally:
            os.umask(mask)
        listener.listen(8)
        fd = listener.fileno()
        sources = os.pathsep.join(map(str, runtime.sources(sdk)))
        start = command(str(_CODE), "exod.sandbox.launcher", sources, str(groups), str(uid), str(fd))
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        with opened(os.open(run / "keeper.log", flags, 0o600)) as log:
            return subprocess.Popen(
                start, env={}, cwd="/", pass_fds=(fd,), start_new_session=True,
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log,
            )  # fmt: skip
