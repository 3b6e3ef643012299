"""A keeper for `exod --dev`, which no service manager starts: a socket in DIR/run → a process that listens on it."""

import asyncio
import errno
import os
from pathlib import Path

from exod.linux.descriptors import opened
from exod.sandbox import launcher, runtime
from exod.sandbox.keeper_main import command

_CODE = Path(__file__).resolve().parent.parent.parent


def start(run: Path, *, sdk: Path, groups: Path, uid: int) -> int:
    """Its pid, once the launcher was executed; connections wait in the socket's queue until the keeper listens.

    Its own session: what interrupts exod at a terminal must not reach the parent of all instances.
    """
    with opened(launcher.listen(run / "keeper.sock")) as listener:
        os.set_inheritable(listener, True)  # noqa: FBT003 - positional only
        return _launch(run, sdk, "main", str(groups), str(uid), str(listener))


async def renew(run: Path, *, sdk: Path, keeper: int) -> None:
    """Raises OSError when it could not be done; the keeper is then as it was."""
    launched = _launch(run, sdk, "renew", str(keeper))
    _, status = await asyncio.to_thread(os.waitpid, launched, 0)
    if status:
        raise OSError(errno.EIO, f"the keeper was not renewed: {run / 'keeper.log'} says why")


def _launch(run: Path, sdk: Path, what: str, *arguments: str) -> int:
    sources = os.pathsep.join(map(str, runtime.sources(sdk)))
    start = command(str(_CODE), "exod.sandbox.launcher", sources, *arguments, function=what)
    log = (os.POSIX_SPAWN_OPEN, 2, str(run / "keeper.log"), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    null = [(os.POSIX_SPAWN_OPEN, low, os.devnull, os.O_RDWR, 0) for low in (0, 1)]
    return os.posix_spawn(start[0], start, {}, file_actions=[*null, log], setsid=True)
