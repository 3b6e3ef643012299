"""Messages of netlink (linux/netlink.h) → bytes and back; a conversation with the kernel, answered within the call."""

import os
import socket
import struct
from collections.abc import Iterable, Iterator

REQUEST, ACK, DUMP, EXCL, CREATE, APPEND = 0x1, 0x4, 0x300, 0x200, 0x400, 0x800
ROUTE, NETFILTER = 0, 12
_ERROR, _DONE = 2, 3
_NESTED = 0x8000
_TYPE = 0x3FFF
_HEADER = struct.Struct("=IHHII")
_SO_SNDBUFFORCE, _SOL_NETLINK, _CAP_ACK = 32, 270, 10
_SEND_BUFFER = 16 << 20
"""A batch is one message to the kernel, however long; only what is sent is allocated."""


def attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)


def nested(kind: int, *parts: bytes) -> bytes:
    return attribute(kind | _NESTED, b"".join(parts))


def text(kind: int, value: str) -> bytes:
    return attribute(kind, value.encode() + b"\0")


def number(kind: int, value: int) -> bytes:
    """32 bits as rtnetlink has them."""
    return attribute(kind, struct.pack("=I", value))


def be32(kind: int, value: int) -> bytes:
    """32 bits as nfnetlink has them."""
    return attribute(kind, struct.pack("!i" if value < 0 else "!I", value))


def attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    while len(data) >= 4:
        size, kind = struct.unpack_from("=HH", data)
        if size < 4:
            return
        yield kind & _TYPE, data[4:size]
        data = data[size + -size % 4 :]


def message(kind: int, flags: int, body: bytes) -> bytes:
    return _HEADER.pack(_HEADER.size + len(body), kind, flags | REQUEST, 0, 0) + body


def opened(protocol: int) -> socket.socket:
    """In the network namespace of whoever calls."""
    end = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, protocol)
    end.setsockopt(_SOL_NETLINK, _CAP_ACK, 1)
    return end


def roomy(end: socket.socket) -> None:
    end.setsockopt(socket.SOL_SOCKET, _SO_SNDBUFFORCE, _SEND_BUFFER)


def ask(end: socket.socket, *messages: bytes, what: str = "") -> list[tuple[int, bytes]]:
    """Sent as one; what comes back but acknowledgements, as (kind, body). Raises OSError with the kernel's errno, and
    ENOMSG where it answers nothing.
    """
    end.send(b"".join(messages))
    heard = list(_received(end))
    for kind, body in heard:
        if kind == _ERROR and (error := -struct.unpack_from("=i", body)[0]):
            raise OSError(error, os.strerror(error), what or None)
    found = [(kind, body) for kind, body in heard if kind not in (_ERROR, _DONE)]
    if not heard:
        raise OSError(42, "the kernel does not answer", what or None)
    return found


def _received(end: socket.socket) -> Iterator[tuple[int, bytes]]:
    """All that is there: a dump goes on as it is read."""
    while True:
        try:
            data = end.recv(1 << 17, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return
        yield from _split(data)


def _split(data: bytes) -> Iterable[tuple[int, bytes]]:
    while len(data) >= _HEADER.size:
        size, kind, *_ = _HEADER.unpack_from(data)
        if size < _HEADER.size:
            return
        yield kind, data[_HEADER.size : size]
        data = data[size + -size % 4 :]
