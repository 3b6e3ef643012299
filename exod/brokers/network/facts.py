"""What the kernel says: whether an address is this host's own, and which connections somebody still holds."""

import os
import socket
import struct
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

from exod.brokers.network.rules import Address

_NETLINK_SOCK_DIAG = 4
_SOCK_DIAG_BY_FAMILY, _NLMSG_ERROR = 20, 2
_NLM_F_REQUEST = 1
_SO_COOKIE = 57
_HEADER = struct.Struct("=IHHII")
_EVERY_STATE = 0xFFFFFFFF
_REQUEST = struct.Struct("=BBBxI")
_INODE = _HEADER.size + 68
"""idiag_inode in struct inet_diag_msg."""


@dataclass(frozen=True, slots=True)
class Held:
    """A connection as inet_diag asks for it: family, struct inet_diag_sockid."""

    family: int
    id: bytes


def is_own(address: Address) -> bool:
    """Whether it is one of this host's: only such a one can be bound to."""
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    with socket.socket(family, socket.SOCK_DGRAM) as end, suppress(OSError):
        end.bind((str(address), 0))
        return True
    return False


def remember(end: socket.socket) -> Held:
    ours, theirs = end.getsockname(), end.getpeername()
    ports = struct.pack("!HH", ours[1], theirs[1])
    places = b"".join(socket.inet_pton(end.family, place[0]).ljust(16, b"\0") for place in (ours, theirs))
    return Held(end.family, ports + places + bytes(4) + end.getsockopt(socket.SOL_SOCKET, _SO_COOKIE, 8))


def still_held(held: Iterable[Held]) -> list[Held]:
    """Of connections that were handed over, those that a descriptor leads to. Raises OSError."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _NETLINK_SOCK_DIAG) as kernel:
        return [one for one in held if _inode(kernel, one)]


def _inode(kernel: socket.socket, held: Held) -> int:
    """0 for one that is gone, and for one that only the kernel still brings to its end."""
    body = _REQUEST.pack(held.family, socket.IPPROTO_TCP, 0, _EVERY_STATE) + held.id
    kernel.send(_HEADER.pack(_HEADER.size + len(body), _SOCK_DIAG_BY_FAMILY, _NLM_F_REQUEST, 0, 0) + body)
    answer = kernel.recv(4096, socket.MSG_DONTWAIT)  # the kernel answers within the call that asks
    if _HEADER.unpack_from(answer)[1] != _NLMSG_ERROR:
        return int.from_bytes(answer[_INODE : _INODE + 4], "little")
    error = -struct.unpack_from("=i", answer, _HEADER.size)[0]
    if error != 2:
        raise OSError(error, os.strerror(error))
    return 0
