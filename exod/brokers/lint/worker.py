"""A process without any right that has hostile sources parsed: a descriptor of a job → lines of findings, or its death.

Started by `reading.py` as root, from this file and what it imports alone, before any hostile byte is there. It gives up
everything, then forks a child for each job, one ahead: what a package may do to its reader, it cannot do to the next.
Nothing is believed of what comes out of here, but that it is text.
"""

import _socket
import array
import ctypes
import gc
import os
import resource
import select
import signal
import struct
import unicodedata  # noqa: F401 - the parser wants it for names beyond ASCII, when files cannot be opened any more
from collections.abc import Iterator

from exod.brokers.lint.examine import look
from exod.brokers.lint.findings import Finding, ranked
from exod.brokers.lint.job import AT, END, MOST, WALL_SECONDS, unpack
from exod.brokers.lint.source import Asked
from exod.linux.numbers import NUMBERS
from exod.linux.syscall import prctl, syscall

IDLE_SECONDS = 30.0
CPU_SECONDS = 8
MEMORY = 768 << 20

_PDEATHSIG, _SECCOMP, _NO_NEW_PRIVILEGES = 1, 22, 38
_ALLOW, _DENY, _KILL = 0x7FFF0000, 0x00050001, 0x80000000
_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_MACHINE = os.uname().machine
_WARM = 'import os\nclass A:\n def ü(self): return f"{os.environ} \\N{BULLET} é"\n'.encode()
READER = (
    "read pread64 write close brk mmap munmap mremap madvise mprotect futex exit exit_group rt_sigreturn sigaltstack"
)
READER += " getrandom clock_gettime getpid gettid"
WAITER = READER + " recvmsg poll ppoll alarm setitimer prctl"
PARENT = WAITER + " clone pipe2 rt_sigprocmask rt_sigaction set_robust_list rseq prlimit64 setrlimit getppid"
"""No file can be opened, no socket made or connected, no program started, no signal sent."""


def main(uid: int) -> None:
    """Until exod closes its end of descriptor 0, or has no job for a while."""
    jobs = _socket.socket(fileno=0)
    look("warm.py", _WARM, Asked())  # what that imports and looks up is there when files cannot be opened any more
    filters = [program(names, _MACHINE) for names in (PARENT, WAITER, READER)]
    give_up(uid)
    confine(filters[0])
    gc.freeze()
    while _next(jobs, *filters[1:]):
        pass


def _next(jobs: _socket.socket, waiting: bytes, reading: bytes) -> bool:
    """A child that waits for a job, and this process until it has one; False when there will be no more."""
    news, taken = os.pipe()
    if os.fork() == 0:
        os.close(news)
        _child(jobs, taken, waiting=waiting, reading=reading)
    os.close(taken)
    went = os.read(news, 1)
    os.close(news)
    return bool(went)


def give_up(uid: int) -> None:
    limits = {"AS": MEMORY, "FSIZE": 0, "NOFILE": 16, "CORE": 0, "MEMLOCK": 0}
    for name, most in limits.items():
        resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (most, most))
    # Children that nobody waits for leave no corpse; what they had to say they wrote.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    prctl(_NO_NEW_PRIVILEGES, 1)


def confine(code: bytes) -> None:
    """From here on the system calls that this filter lets pass are all that there is."""
    buffer = ctypes.create_string_buffer(code, len(code))
    head = struct.pack("=HxxxxxxQ", len(code) // 8, ctypes.addressof(buffer))
    # Not seccomp(2), which a service manager's own list may lack.
    syscall(NUMBERS[_MACHINE]["prctl"], _SECCOMP, 2, head, 0, 0, what="seccomp")


def program(names: str, machine: str) -> bytes:
    """A seccomp filter (struct sock_filter[]): these calls, and EPERM for all others; another architecture is death.
    mmap and mprotect make nothing executable.
    """
    numbers = NUMBERS[machine]
    rows = [(0x20, 0, 0, 4), (0x15, 1, 0, _ARCH[machine]), (0x06, 0, 0, _KILL), (0x20, 0, 0, 0)]
    for name in sorted({*names.split()} & {*numbers}):
        if name in ("mmap", "mprotect"):
            rows += [(0x15, 0, 4, numbers[name]), (0x20, 0, 0, 32), (0x45, 1, 0, 4), (0x06, 0, 0, _ALLOW)]
            rows += [(0x06, 0, 0, _DENY)]
        else:
            rows += [(0x15, 0, 1, numbers[name]), (0x06, 0, 0, _ALLOW)]
    return b"".join(struct.pack("=HBBI", *row) for row in [*rows, (0x06, 0, 0, _DENY)])


def _child(jobs: _socket.socket, taken: int, *, waiting: bytes, reading: bytes) -> None:
    """Never returns. Waits for one job, and dies with the parent, by the alarm, or of what it reads."""
    try:
        prctl(_PDEATHSIG, signal.SIGKILL)
        resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
        gc.disable()
        look("warm.py", _WARM, Asked())  # the pages that it writes are its own before anybody waits for it
        confine(waiting)
        received = receive(jobs)
        if received is not None:
            os.write(taken, b"t")
            os.close(taken)
            os.close(0)
            signal.alarm(WALL_SECONDS)
            confine(reading)
            respond(*received)
    finally:
        os._exit(0)


def receive(jobs: _socket.socket) -> tuple[int, int] | None:
    """The job's descriptor, and where its answer goes; None when there will be no more."""
    poll = select.poll()
    poll.register(jobs.fileno(), select.POLLIN)
    if not poll.poll(IDLE_SECONDS * 1000):
        return None
    message, control, _, _ = jobs.recvmsg(1, _socket.CMSG_SPACE(8))
    found = array.array("i")
    for _, _, data in control:
        found.frombytes(data)
    return (found[0], found[1]) if message else None


def respond(job: int, answer: int) -> None:
    for line in answers(job):
        data = line.encode() + b"\n"
        while data:
            data = data[os.write(answer, data) :]


def answers(job: int) -> Iterator[str]:
    """Which file is being looked at, by its place in the job; then all that was found; then the end."""
    asked, files = unpack(os.pread(job, MOST, 0))
    found: list[Finding] = []
    for place, (path, data) in enumerate(files):
        if place == 0 or path.endswith(".py"):
            yield f"{AT}{place}"
        found = ranked([*found, *look(path, data, asked)])
    yield from map(str, found)
    yield END
