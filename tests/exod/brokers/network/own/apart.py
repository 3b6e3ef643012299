"""A host's network that nobody else has: where wires are laid in tests, and what is at their other ends."""

import contextlib
import os
import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from exod.brokers.network.own import link, netlink
from exod.linux import syscall
from exod.linux.netns import CLONE_NEWNET
from exod.sandbox import walls

T = TypeVar("T")
HOST = "192.0.2.1"
"""An address of the host's own."""
OUTSIDE, GATEWAY = "198.51.100.9", "198.51.100.1"
SECONDS = 0.4
"""After which nothing more comes of what was sent on this very machine; nothing that must come is given so little."""
AGAIN = 0.2
PATIENCE = 60.0


@dataclass
class Place:
    """`home` is the host; `spaces` are network namespaces in which nobody is."""

    home: int
    spaces: list[int] = field(default_factory=list)

    def space(self) -> int:
        syscall.unshare(CLONE_NEWNET)
        self.spaces.append(_here())
        syscall.setns(self.home, CLONE_NEWNET)
        return self.spaces[-1]

    def within(self, space: int, do: Callable[[], T]) -> T:
        """Of this thread alone; a socket stays where it was made."""
        syscall.setns(space, CLONE_NEWNET)
        try:
            return do()
        finally:
            syscall.setns(self.home, CLONE_NEWNET)


@contextmanager
def place() -> Iterator[Place]:
    before = _here()
    syscall.unshare(CLONE_NEWNET)
    made = Place(_here())
    walls._host.cache_clear()  # which network is the host's: this process leaves it, as exod never does
    try:
        _raise("lo", HOST)
        yield made
    finally:
        syscall.setns(before, CLONE_NEWNET)
        walls._host.cache_clear()
        for space in (*made.spaces, made.home, before):
            os.close(space)


def neighbourhood(host: Place) -> int:
    """Another machine beside the host, as OUTSIDE; the host forwards."""
    space = host.space()
    inside = link._info() + netlink.text(3, "lan") + netlink.number(28, space)
    kind = netlink.nested(18, netlink.text(1, "veth"), netlink.nested(2, netlink.nested(1, inside)))
    with netlink.opened(netlink.ROUTE) as end:
        flags = netlink.CREATE | netlink.EXCL | netlink.ACK
        netlink.ask(end, netlink.message(16, flags, link._info() + netlink.text(3, "uplink") + kind))
    host.within(space, lambda: _raise("lan", OUTSIDE, 24))
    _raise("uplink", GATEWAY, 24)
    forward(on=True)
    return space


def forward(*, on: bool) -> None:
    with open("/proc/sys/net/ipv4/ip_forward", "w") as file:
        file.write(str(int(on)))


def _raise(name: str, address: str, length: int = 32) -> None:
    with netlink.opened(netlink.ROUTE) as end:
        index = link.index(end, name)
        body = struct.pack("=BBBBI", socket.AF_INET, length, 0, 0, index) + netlink.attribute(
            2, socket.inet_aton(address)
        )
        netlink.ask(end, netlink.message(20, netlink.CREATE | netlink.ACK, body))
        netlink.ask(end, netlink.message(16, netlink.ACK, link._info(index, flags=1, change=1)))


def _here() -> int:
    return os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)


def add_route(network: str, length: int, *, via: str) -> None:
    with netlink.opened(netlink.ROUTE) as end:
        body = struct.pack("=8BI", socket.AF_INET, length, 0, 0, 254, 4, 0, 1, 0)
        to = netlink.attribute(1, socket.inet_aton(network)) + netlink.number(4, link.index(end, via))
        netlink.ask(end, netlink.message(24, netlink.CREATE | netlink.ACK, body + to))


def add_way(network: str, length: int, *, by: str) -> None:
    with netlink.opened(netlink.ROUTE) as end:
        body = struct.pack("=8BI", socket.AF_INET, length, 0, 0, 254, 4, 0, 1, 0)
        to = netlink.attribute(1, socket.inet_aton(network)) + netlink.attribute(5, socket.inet_aton(by))
        netlink.ask(end, netlink.message(24, netlink.CREATE | netlink.ACK, body + to))


def drop_table(name: str) -> None:
    """As whoever flushes the rules of a network namespace does."""
    family = struct.pack("!BBH", 1, 0, 0)
    edge = struct.pack("!BBH", 0, 0, 10)
    with netlink.opened(netlink.NETFILTER) as end:
        gone = netlink.message(10 << 8 | 2, netlink.ACK, family + netlink.text(1, name))
        netlink.ask(end, netlink.message(0x10, 0, edge), gone, netlink.message(0x11, 0, edge))


def tables() -> int:
    """How many there are."""
    with netlink.opened(netlink.NETFILTER) as end:
        return len(netlink.ask(end, netlink.message(10 << 8 | 1, netlink.DUMP, bytes(4))))


# --- talk -------------------------------------------------------------------------------------------------------------


def bound(kind: int, port: int, address: str = "0.0.0.0") -> socket.socket:
    end = socket.socket(socket.AF_INET, kind)
    end.settimeout(PATIENCE)
    end.bind((address, port))
    if kind == socket.SOCK_STREAM:
        end.listen()
    return end


def held(end: socket.socket, to: tuple[str, int], listener: socket.socket) -> bool:
    """Whether nothing that `end` sends, nor its connection, comes to `listener`."""
    return not reaches(end, to, listener, seconds=SECONDS)


def reaches(end: socket.socket, to: tuple[str, int], listener: socket.socket, *, seconds: float = PATIENCE) -> bool:
    """Whether what `end` sends, or its connection, comes to `listener`."""
    end.settimeout(seconds)
    listener.settimeout(seconds)
    try:
        if end.type == socket.SOCK_STREAM:
            end.connect(to)
            listener.accept()[0].close()
            return True
        return _asks(end, to, listener, until=time.monotonic() + seconds)
    except OSError:
        return False


def _asks(end: socket.socket, to: tuple[str, int], listener: socket.socket, *, until: float) -> bool:
    """Again and again: what is sent through a link that has only just come up may be lost."""
    listener.settimeout(AGAIN)
    while time.monotonic() < until:
        end.sendto(b"question", to)
        with contextlib.suppress(TimeoutError):
            return listener.recv(64) == b"question"
    return False


def tcp() -> socket.socket:
    return socket.socket(socket.AF_INET, socket.SOCK_STREAM)


def udp() -> socket.socket:
    return socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
