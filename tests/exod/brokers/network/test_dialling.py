"""Connections to listeners of this test, on loopback."""

import socket
from collections.abc import Iterator
from ipaddress import ip_address

import pytest

from exod.brokers.network import dialling
from exod.brokers.network.dialling import BUFFER, dial

HERE, NOBODY = ip_address("127.0.0.1"), ip_address("127.0.0.2")


@pytest.fixture
def server() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as found:
        yield found


async def test_it_is_connected_blocking_closed_on_exec_and_bounded(server: socket.socket) -> None:
    with await dial([HERE], server.getsockname()[1]) as end, server.accept()[0] as peer:
        assert end.getpeername() == server.getsockname()
        assert end.getblocking()
        assert not end.get_inheritable()
        assert end.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) <= 2 * BUFFER
        assert end.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) <= 2 * BUFFER
        peer.send(b"x")
        assert end.recv(1) == b"x"


async def test_the_next_address_is_tried_when_one_refuses(server: socket.socket) -> None:
    with await dial([NOBODY, HERE], server.getsockname()[1]) as end:
        assert end.getpeername()[0] == str(HERE)


async def test_no_more_than_three_are_tried(server: socket.socket) -> None:
    with pytest.raises(ConnectionRefusedError):
        await dial([NOBODY] * 3 + [HERE], server.getsockname()[1])


async def test_one_that_does_not_answer_has_its_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dialling, "SECONDS", 0.02)
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        with socket.create_connection(deaf.getsockname()):  # its queue is full: what comes next is dropped
            with pytest.raises(TimeoutError):
                await dial([HERE], deaf.getsockname()[1])


async def test_one_without_an_address_is_an_error() -> None:
    with pytest.raises(OSError, match="no address"):
        await dial([], 1)
