"""The process that reads: what it may still do, how it answers, and how its children end."""

import mmap
import os
import socket
from collections.abc import Callable

import pytest

from exod.brokers.lint import worker
from exod.brokers.lint.job import pack
from exod.brokers.lint.source import Asked
from exod.linux.numbers import NUMBERS
from tests import uids

FILES = {"README.md": b"x", "code/a.py": b"import exod\n", "code/b.py": b"def f(:\n"}
UID = uids.OTHER


def job(files: dict[str, bytes]) -> int:
    memory = os.memfd_create("job")
    os.write(memory, pack(Asked(), files))
    return memory


def said(source: int) -> list[str]:
    with open(source, encoding="ascii") as file:
        return file.read().splitlines()


def confined(act: Callable[[], object], names: str = worker.READER) -> str:
    """What a child can still do behind the filter."""
    source, sink = os.pipe()
    if (pid := os.fork()) == 0:
        try:
            worker.prctl(worker._NO_NEW_PRIVILEGES, 1)
            worker.confine(worker.program(names, os.uname().machine))
            act()
            os.write(sink, b"done")
        except OSError as error:
            os.write(sink, os.strerror(error.errno or 0).encode())
        finally:
            os._exit(0)
    os.close(sink)
    [text] = said(source) or [""]
    os.waitpid(pid, 0)
    return text


def test_an_answer_says_where_it_is_then_what_was_found_then_that_it_is_whole() -> None:
    memory = job(FILES)
    lines = list(worker.answers(memory))
    os.close(memory)
    assert lines == [
        ">0",
        ">1",
        ">2",
        "code/a.py:1: daemon-internals: import of exod",
        "code/b.py:1: unreadable: syntax: invalid syntax",
        ".",
    ]


def test_a_job_arrives_as_two_descriptors() -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    memory, (source, sink) = job(FILES), os.pipe()
    with ours, theirs:
        socket.send_fds(ours, [b"j"], [memory, sink])
        received = worker.receive(theirs)
        assert received is not None
        worker.respond(*received)
        for descriptor in (memory, sink, *received):
            os.close(descriptor)
        assert said(source)[-1] == "."
        ours.close()
        assert worker.receive(theirs) is None


def test_who_has_no_job_for_a_while_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "IDLE_SECONDS", 0.001)
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        assert worker.receive(theirs) is None


@pytest.mark.parametrize(
    "act",
    [
        lambda: os.open("/etc/passwd", os.O_RDONLY),
        lambda: os.open("/dev/null", os.O_RDONLY),
        socket.socket,
        lambda: socket.socketpair(),
        os.fork,
        lambda: os.kill(os.getppid(), 0),
        lambda: os.execv("/bin/true", ["true"]),
        lambda: os.listdir("/"),
        lambda: os.chroot("/"),
        lambda: worker.prctl(worker._PDEATHSIG, 0),
        lambda: mmap.mmap(-1, 4096, prot=7),
        lambda: os.memfd_create("x"),
        lambda: os.pidfd_open(os.getpid()),
    ],
)
def test_a_reader_reaches_nothing(act: Callable[[], object]) -> None:
    assert confined(act) == "Operation not permitted"


def test_a_reader_can_still_read() -> None:
    memory = job(FILES)
    assert confined(lambda: list(worker.answers(memory))) == "done"
    os.close(memory)


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_a_filter_names_only_what_the_machine_has(machine: str) -> None:
    code = worker.program(worker.PARENT, machine)
    assert len(code) % 8 == 0
    assert NUMBERS[machine]["read"].to_bytes(4, "little") in code


def test_nothing_is_left_of_root() -> None:
    source, sink = os.pipe()
    if (pid := os.fork()) == 0:
        try:
            with open("/proc/self/status", "rb", buffering=0) as status:
                worker.give_up(UID)
                os.write(sink, status.read(8192))
        finally:
            os._exit(0)
    os.close(sink)
    rows = dict(line.split(":\t", 1) for line in said(source) if ":\t" in line)
    os.waitpid(pid, 0)
    assert (rows["Uid"].split(), rows["CapEff"], rows["NoNewPrivs"]) == ([str(UID)] * 4, "0" * 16, "1")
    assert rows["Groups"].split() == []
