"""The zygote's process: a warm interpreter → instances, forked on request. It belongs to one generation only.

Warm first, unconfined but without privilege; then, when exod has mapped its users and armed it, a root with nothing but
the runtime. From there on only C reads what exod sends. Hang-up means exit.
"""

import importlib
import os
import socket
import sys
from collections.abc import Sequence

from exod.sandbox import _spawn

CHANNEL = 3
SDK_PATH = "/run/exod/sdk"
SCRATCH = "/run/exod/scratch"
STDLIB = os.path.dirname(os.__file__)
ARM_MAX = 1 << 18
CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC = 0x00020000, 0x04000000, 0x08000000
CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000

# Of the standard library's extensions only these: each costs every fork, and no other can be loaded behind the walls.
# Never ssl or _hashlib: OpenSSL handed the same random bytes to sibling forks.
EXTENSIONS = ("_contextvars", "_json", "_queue", "_zoneinfo", "_decimal")
RUNNER = "exosdk.runner"
SDK = ("pluggy", "msgspec", "msgspec.msgpack", RUNNER)


def main() -> None:
    sys.path.append(SDK_PATH)
    warm((*EXTENSIONS, *SDK))
    sys.modules[RUNNER].warm()
    _spawn.unshare(CLONE_NEWUSER)
    end = socket.socket(fileno=CHANNEL)
    try:
        end.send(b"warm")
        data, fds, _, _ = socket.recv_fds(end, ARM_MAX, 1, socket.MSG_CMSG_CLOEXEC)
    except ConnectionError:  # exod was killed meanwhile
        data, fds = b"", []
    if not data:
        os._exit(0)
    confine(data, fds)
    end.send(b"armed")
    sys.path[:] = [STDLIB, SDK_PATH]
    serve(end.detach())


def warm(modules: Sequence[str]) -> None:
    """Imports what every instance needs. An extension that this interpreter has built in, or lacks, is no error."""
    for name in modules:
        try:
            importlib.import_module(name)
        except ImportError:
            if name in SDK:
                raise


def confine(data: bytes, fds: Sequence[int]) -> None:
    """The arming message: who its instances may be, their filters, and a procfs that shows only what they may touch."""
    _spawn.accept(data)
    (procs,) = fds
    os.setgroups([])
    os.setresgid(0, 0, 0)
    os.setresuid(0, 0, 0)
    _spawn.unshare(CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS)
    null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    _spawn.template(SCRATCH, STDLIB, SDK_PATH)
    _spawn.arm(procs, null, STDLIB.lstrip("/"), SDK_PATH.lstrip("/"))
    os.close(null)
    os.close(procs)


def serve(channel: int) -> None:
    """Returns never: an instance becomes its plugin, the zygote ends when exod hangs up."""
    runner = importlib.import_module(RUNNER)
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    born = _spawn.serve(channel)
    if born is not None:
        instance, nonce, walls = born
        runner.main(fd=CHANNEL, instance=instance, nonce=nonce, walls=walls)
    os._exit(0)
