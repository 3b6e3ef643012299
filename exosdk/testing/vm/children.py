"""A command → a child that does not outlive this process, however this process ends.

PR_SET_PDEATHSIG is set by setpriv, which execs the command: no code of ours runs between fork and exec. A tree of
processes (mmdebstrap) gets a pid namespace of its own, which the kernel empties when its first process dies.
"""

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from exosdk.testing.vm.unusable import Unusable

_BOUND = ("setpriv", "--pdeathsig", "KILL", "--")
_TREE = ("unshare", "--mount", "--pid", "--fork", "--kill-child=KILL", "--")


def spawn(
    command: Sequence[str], *, pass_fds: Sequence[int] = (), log: IO[bytes] | int = subprocess.DEVNULL
) -> subprocess.Popen[bytes]:
    """Runs in a session of its own: Ctrl-C at the test run is for the test run, which then ends its machines."""
    demand(command[0])
    return subprocess.Popen(
        [*_BOUND, *command],
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        pass_fds=pass_fds,
        start_new_session=True,
    )


def run_tree(command: Sequence[str], *, log: Path, deadline: float) -> None:
    """Runs `command` to its end with all it starts. Raises Unusable with its last words when it fails."""
    with log.open("ab") as words:
        child = spawn([*_TREE, *command], log=words)
    try:
        code = child.wait(deadline)
    except subprocess.TimeoutExpired:
        code = -1
    finally:
        end(child)
    if code != 0:
        said = log.read_text(errors="replace")[-2_000:]
        raise Unusable(f"cannot run {' '.join(command[:2])}: exit {code} ({log}): …{said}")


def end(child: subprocess.Popen[bytes], *, deadline: float = 60.0) -> None:
    """SIGKILL to this very child, unless it ended by itself; reaped afterwards."""
    if child.poll() is None:
        child.kill()
    child.wait(deadline)


def demand(tool: str) -> None:
    """Raises Unusable where a tool is missing."""
    if shutil.which(tool, path="/usr/sbin:/usr/bin:/sbin:/bin") is None:
        raise Unusable(f"cannot run virtual machines: {tool} is missing; packaging/apt-vm.txt lists what they need")
