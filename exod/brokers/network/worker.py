"""A process that asks the resolver and has no other right: a name and a pipe → the name's addresses, or nothing.

Started by `resolver.py` as root, from this file and what it imports alone. It gives up everything before it hears of a
name, and forks a child for each, so that what an answer does to its reader does nothing to the next. What comes out of
here is believed only as a resolver is: the daemon looks at every address.
"""

import _socket
import os
import resource
import select
import signal

from exod.linux.syscall import prctl

IDLE_SECONDS = 30.0
SECONDS = 5
"""For one name, by the kernel's clock."""
MOST = 16
"""Addresses of a name."""
QUESTION = 255
_PDEATHSIG, _NO_NEW_PRIVILEGES = 1, 38
_LIMITS = {"AS": 256 << 20, "FSIZE": 0, "NOFILE": 32, "CORE": 1, "MEMLOCK": 0, "NPROC": 32, "CPU": 60}


def main(uid: str) -> None:
    """Until exod closes its end of descriptor 0, or has no name for a while."""
    questions = _socket.socket(fileno=0)
    addresses(b"localhost")  # what the C library loads for it is loaded once
    give_up(int(uid))
    while (received := receive(questions)) is not None:
        name, answer = received
        if os.fork() == 0:
            _child(name, answer)
        os.close(answer)


def give_up(uid: int) -> None:
    for name, most in _LIMITS.items():
        resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (most, most))
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # children that nobody waits for leave no corpse
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    prctl(_NO_NEW_PRIVILEGES, 1)


def receive(questions: _socket.socket) -> tuple[bytes, int] | None:
    """A name, and where its answer goes; None when there will be no more."""
    poll = select.poll()
    poll.register(questions.fileno(), select.POLLIN)
    if not poll.poll(IDLE_SECONDS * 1000):
        return None
    name, control, _, _ = questions.recvmsg(QUESTION, _socket.CMSG_SPACE(4))
    return (name, int.from_bytes(control[0][2][:4], "little")) if name else None


def _child(name: bytes, answer: int) -> None:
    """Never returns; ended with the parent, or by the alarm."""
    try:
        prctl(_PDEATHSIG, signal.SIGKILL)
        signal.alarm(SECONDS)
        os.close(0)
        os.write(answer, " ".join(addresses(name)).encode())
    finally:
        os._exit(0)


def addresses(name: bytes) -> list[str]:
    """In the order in which they should be tried. Bytes: text would go through Python's own reading of IDNA."""
    try:
        found = _socket.getaddrinfo(name, None, 0, _socket.SOCK_STREAM)
    except OSError:
        return []
    return list(dict.fromkeys(str(row[4][0]) for row in found))[:MOST]
