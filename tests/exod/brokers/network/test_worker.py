"""The process that asks for names: what it hears, what it says, and what it gave up."""

import os
import resource
import socket

from exod.brokers.network import worker
from tests import uids

UID = uids.OTHER


def test_a_name_of_this_host_has_its_addresses_once_each() -> None:
    found = worker.addresses(b"localhost")
    assert "127.0.0.1" in found
    assert len(found) == len({*found})


def test_a_name_that_nobody_knows_has_none() -> None:
    assert worker.addresses(b"") == worker.addresses(b"a" * 300) == []


def test_a_name_comes_with_the_place_of_its_answer() -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    source, sink = os.pipe()
    with ours, theirs:
        socket.send_fds(ours, [b"example.org"], [sink])
        os.close(sink)
        received = worker.receive(theirs)
        assert received is not None
        name, answer = received
        os.write(answer, b"x")
        os.close(answer)
        assert (name, os.read(source, 9), os.read(source, 9)) == (b"example.org", b"x", b"")
        ours.close()
        assert worker.receive(theirs) is None
    os.close(source)


def test_it_has_no_right_left_and_little_of_the_host() -> None:
    source, sink = os.pipe()
    if (pid := os.fork()) == 0:
        try:
            worker.give_up(UID)
            status = open("/proc/self/status", encoding="ascii").read()
            rows = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
            told = [rows["CapEff"], rows["NoNewPrivs"], *rows["Uid"].split(), rows["Groups"].strip()]
            limits = [resource.getrlimit(kind) for kind in (resource.RLIMIT_FSIZE, resource.RLIMIT_NOFILE)]
            os.write(sink, repr((told, limits)).encode())
        finally:
            os._exit(0)
    os.close(sink)
    with open(source, encoding="ascii") as file:
        said = file.read()
    os.waitpid(pid, 0)
    assert said == repr((["0" * 16, "1", *[str(UID)] * 4, ""], [(0, 0), (32, 32)]))
