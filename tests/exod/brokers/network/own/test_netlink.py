"""Netlink in bytes: attributes, and what the kernel answers."""

import errno
import socket
import struct
from collections.abc import Iterator

import pytest

from exod.brokers.network.own import netlink
from tests.exod.brokers.network.own import apart


@pytest.fixture(autouse=True)
def apart_from_the_host() -> Iterator[None]:
    with apart.place():
        yield


def test_attributes_are_padded_and_found_again() -> None:
    data = netlink.text(3, "lo") + netlink.number(4, 7) + netlink.nested(5, netlink.be32(1, -3))
    found = dict(netlink.attributes(data))
    assert len(data) % 4 == 0
    assert found == {3: b"lo\0", 4: struct.pack("=I", 7), 5: struct.pack("=HH", 8, 1) + b"\xff\xff\xff\xfd"}


@pytest.mark.parametrize("data", [b"", b"\0", b"\x02\0\x01\0", b"\xff\xff\x01\0abc"])
def test_no_bytes_are_read_for_ever(data: bytes) -> None:
    assert len(list(netlink.attributes(data))) <= 1
    assert len(list(netlink._split(data * 8))) <= 8


def test_a_refusal_of_the_kernel_is_its_errno_and_says_of_what() -> None:
    with netlink.opened(netlink.ROUTE) as end, pytest.raises(OSError, match="remove x") as caught:
        netlink.ask(
            end, netlink.message(17, netlink.ACK, struct.pack("=16x") + netlink.text(3, "nobody")), what="remove x"
        )
    assert caught.value.errno == errno.ENODEV


def test_a_kernel_that_does_not_answer_has_not_done_it() -> None:
    with netlink.opened(netlink.ROUTE) as end, pytest.raises(OSError, match="does not answer"):
        netlink.ask(end, netlink.message(16, 0, struct.pack("=BxHiII", 0, 0, 1, 0, 0)))


def test_all_of_a_dump_is_read() -> None:
    with netlink.opened(netlink.ROUTE) as end:
        found = netlink.ask(end, netlink.message(18, netlink.DUMP, bytes(16)))
    assert len(found) == len(socket.if_nameindex())
