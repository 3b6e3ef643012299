"""Descriptors of strangers are closed, but never on the loop, and a slow one holds up no other."""

import os
import socket
import struct
import threading

from exod import closer as closers
from exod.closer import close_elsewhere
from tests.exod.dbus.rig import until


def is_open(fd: int) -> bool:
    try:
        os.fstat(fd)
    except OSError:
        return False
    return True


async def test_all_that_is_handed_in_is_closed_elsewhere(monkeypatch) -> None:
    threads = set()
    real = closers._close
    monkeypatch.setattr(closers, "_close", lambda fd: (threads.add(threading.current_thread()), real(fd)))
    fds = [os.open("/dev/null", os.O_RDONLY) for _ in range(20)]
    close_elsewhere(fds)
    await until(lambda: not any(is_open(fd) for fd in fds))
    assert threading.main_thread() not in threads


async def test_one_that_hangs_in_close_holds_up_no_other(monkeypatch) -> None:
    release, hanging = threading.Event(), threading.Event()
    real = closers._close

    def close(fd: int) -> None:
        if fd == slow:
            hanging.set()
            assert release.wait(5)
        real(fd)

    monkeypatch.setattr(closers, "_close", close)
    slow, quick = (os.open("/dev/null", os.O_RDONLY) for _ in range(2))
    close_elsewhere([slow, quick])
    await until(hanging.is_set)
    await until(lambda: not is_open(quick))
    assert is_open(slow)
    release.set()
    await until(lambda: not is_open(slow))


async def test_a_lingering_socket_is_closed_without_lingering() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        client = socket.create_connection(server.getsockname())
        accepted, _ = server.accept()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 30))
    client.setblocking(False)
    while True:
        try:
            client.send(bytes(1 << 16))
        except BlockingIOError:
            break
    fd = client.detach()
    close_elsewhere([fd])
    await until(lambda: not is_open(fd))
    accepted.close()


def test_a_number_that_is_not_open_is_no_error() -> None:
    closers._close(987654)
