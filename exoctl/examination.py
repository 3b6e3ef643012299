"""What the doctor finds: root has the host looked at here, in a process of exod's own; anybody else asks exod.

Works without a daemon, which is when it is needed most. exod itself, behind the walls of its unit, sees less than root.
"""

import json
import os
import select
import signal
import sys
import time
from collections.abc import Sequence
from typing import Any

from exoctl import objects
from exoctl.faults import failed
from exoctl.session import DEV_VARIABLE, Session
from exod.errors import Refusal, Refused

Row = dict[str, Any]
_CODE = "import sys; sys.path[:] = sys.argv.pop(1).split(':'); from exod.examining import main; sys.exit(main())"
"""The same interpreter on the same path, isolated: exod's own code, of which the command line imports nothing."""
_SECONDS = 200.0


def findings(session: Session) -> list[Row]:
    if here():
        return look("examine")
    (rows,) = objects.manager(session.bus, "Doctor")
    return [row | {"repair": row["repair"].splitlines()} for row in rows]


def here() -> bool:
    return os.geteuid() == 0


def look(*words: str) -> list[Row]:
    """Raises Refused with what the process refused."""
    rows = _rows(_said(words))
    refused = next((row["refusal"] for row in rows if "refusal" in row), None)
    if refused is not None:
        raise Refused(Refusal.from_fields(refused))
    if not rows:
        raise Refused(failed("doctor-silent", "cannot examine this host: the doctor's process said nothing"))
    return rows


def _rows(said: bytes) -> list[Row]:
    try:
        return [json.loads(line) for line in said.splitlines()]
    except ValueError:
        return []


def _said(words: Sequence[str]) -> bytes:
    answer, its = os.pipe2(os.O_CLOEXEC)
    path, flags = ":".join(place for place in sys.path if place), "-IS" if sys.flags.no_site else "-I"
    command = [sys.executable, flags, "-c", _CODE, path, os.environ.get(DEV_VARIABLE, ""), *words]
    streams = [(os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0), (os.POSIX_SPAWN_DUP2, its, 1)]
    pid = os.posix_spawn(command[0], command, {}, file_actions=streams)
    os.close(its)
    try:
        return _read(answer)
    finally:
        os.close(answer)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def _read(answer: int) -> bytes:
    until = time.monotonic() + _SECONDS
    parts: list[bytes] = []
    while select.select([answer], [], [], max(0.0, until - time.monotonic()))[0]:
        part = os.read(answer, 1 << 16)
        if not part:
            return b"".join(parts)
        parts.append(part)
    raise Refused(failed("doctor-silent", "cannot examine this host: the doctor's process did not answer in time"))
