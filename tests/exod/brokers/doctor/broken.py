"""A host that is broken for one child only: its own mounts, its own filters, and then the looks of the real doctor.

Nothing here changes the host: whatever is covered is covered in a mount namespace that ends with the child.
"""

import array
import json
import os
import struct
import tempfile
import time
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from exod.brokers.doctor import probing
from exod.brokers.doctor.check import Check
from exod.brokers.doctor.host import Host, Ports, look
from exod.brokers.doctor.table import CHECKS
from exod.configuration import read_settings
from exod.examining import record
from exod.linux.mount import MS_PRIVATE, MS_REC
from exod.linux.numbers import NUMBERS
from exod.linux.syscall import mount, prctl, syscall, unshare
from exod.sandbox.groups import place
from exod.state import etcdir

PORTS = Ports(read_settings, place, etcdir.read_directory, record)
CALLS = NUMBERS[os.uname().machine]
NEWNS, NEWUSER, MS_BIND = 0x20000, 0x10000000, 4096
NOW = 1_800_000_000.0


def children() -> list[str]:
    """Of this process, zombies too; an earlier test may have left it some."""
    return Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()


def check(id_: str) -> Check:
    return next(one for one in CHECKS if one.id == id_)


def host(directory: Path, *, production: bool = False) -> Host:
    """Of an `exod --dev` in `directory`, which need not run."""
    for name in ("etc", "lib", "run", "log"):
        (directory / name).mkdir(exist_ok=True)
    for name in ("lib", "log"):
        (directory / name).chmod(0o700)
    found = look(directory, PORTS, now=NOW)
    return replace(found, layout=replace(found.layout, development=False)) if production else found


def level(id_: str, at: Host) -> str:
    return found(id_, at)[0]


def found(id_: str, at: Host) -> tuple[str, str]:
    """Level and words of one check, looked at as the doctor's process does."""
    [(_, verdict)] = probing.examine([check(id_)], at)
    return verdict.level.value, verdict.what


def apart(work: Callable[[], Any]) -> Any:
    """What `work` returns (as JSON), from a child with mounts of its own."""
    answer, mine = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            unshare(NEWNS)
            mount(None, "/", None, MS_REC | MS_PRIVATE)
            os.write(mine, json.dumps(work()).encode())
        except BaseException:
            os.write(mine, json.dumps({"raised": traceback.format_exc()}).encode())
        finally:
            os._exit(0)
    os.close(mine)
    with os.fdopen(answer, "rb") as file:
        said = json.loads(file.read())
    os.waitpid(pid, 0)
    assert not (isinstance(said, dict) and "raised" in said), said["raised"]
    return said


def cover(path: str, text: str) -> Path:
    """A file with other words over `path`, once; what is written to it later is read there."""
    file, name = tempfile.mkstemp(dir="/dev/shm")
    with os.fdopen(file, "w") as written:
        written.write(text)
    mount(name, path, None, MS_BIND)
    os.unlink(name)
    return Path(path)


def tmpfs(path: str | Path, size: str = "1m") -> None:
    mount("none", str(path), "tmpfs", 0, f"size={size},mode=755")


def refuse(name: str, error: int, *, argument: int = -1, value: int = 0) -> None:
    """From here on the call fails with `error`, or only where its argument has that value (seccomp(2))."""
    rows = [(0x20, 0, 0, 0), (0x15, 0, 1 if argument < 0 else 3, CALLS[name])]
    if argument >= 0:
        rows += [(0x20, 0, 0, 16 + 8 * argument), (0x15, 0, 1, value)]
    rows += [(0x06, 0, 0, 0x50000 | error), (0x06, 0, 0, 0x7FFF0000)]
    code = array.array("B", b"".join(struct.pack("=HBBI", *row) for row in rows))
    prctl(38, 1)
    syscall(CALLS["seccomp"], 1, 0, struct.pack("@HP", len(rows), code.buffer_info()[0]))


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        os.sched_yield()
