"""A wire → the rtnetlink messages that lay it (linux/rtnetlink.h), and what links there are.

No ARP, no IPv6 and no multicast on either end: both know the other's hardware address from the beginning.
"""

import socket
import struct
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network

from exod.brokers.network.own.netlink import (
    ACK,
    APPEND,
    CREATE,
    DUMP,
    EXCL,
    ask,
    attribute,
    attributes,
    message,
    nested,
    number,
    opened,
    text,
)
from exod.brokers.network.own.netlink import ROUTE as PROTOCOL
from exod.brokers.network.own.rules import Wire

INSIDE = "eth0"
_ALIAS = "exod instance "
_NEWLINK, _DELLINK, _GETLINK, _NEWADDR, _NEWROUTE, _GETROUTE, _NEWNEIGH = 16, 17, 18, 20, 24, 26, 28
_ADDRESS, _IFNAME, _LINKINFO, _IFALIAS, _AF_SPEC, _NET_NS_FD = 1, 3, 18, 20, 26, 28
_INET6_ADDR_GEN_MODE, _NONE = 8, b"\x01"
_INET_CONF, _ACCEPT_REDIRECTS, _SEND_REDIRECTS, _RP_FILTER = 1, 4, 6, 8
_UP, _NOARP, _MULTICAST = 0x1, 0x80, 0x1000
_PERMANENT = 0x80
_MAIN, _STATIC, _UNIVERSE, _UNICAST = 254, 4, 0, 1


def made(wire: Wire, *, network: int = -1) -> bytes:
    """Both ends, down; that of the instance lies in the network namespace `network`, a descriptor, or here."""
    there = number(_NET_NS_FD, network) if network >= 0 else b""
    inside = _info() + text(_IFNAME, INSIDE) + attribute(_ADDRESS, hardware(wire.theirs)) + there
    kind = nested(_LINKINFO, text(1, "veth"), nested(2, nested(1, inside)))
    outside = text(_IFNAME, wire.link) + attribute(_ADDRESS, hardware(wire.ours))
    return message(_NEWLINK, CREATE | EXCL | ACK, _info() + outside + kind)


def removed(link: str) -> bytes:
    return message(_DELLINK, ACK, _info() + text(_IFNAME, link))


def without_ipv6(index: int) -> bytes:
    """Refused by a kernel that has none."""
    mode = nested(_AF_SPEC, nested(socket.AF_INET6, attribute(_INET6_ADDR_GEN_MODE, _NONE)))
    return message(_NEWLINK, ACK, _info(index) + mode)


def guarded(index: int, wire: Wire) -> bytes:
    """The host's end, with its owner's number, which the kernel takes of no new link. rp_filter: what comes from others
    than those to whom this way leads is dropped.
    """
    values = {_ACCEPT_REDIRECTS: 0, _SEND_REDIRECTS: 0, _RP_FILTER: 1}
    conf = nested(_INET_CONF, *(number(kind, value) for kind, value in values.items()))
    settings = nested(_AF_SPEC, nested(socket.AF_INET, conf))
    return message(_NEWLINK, ACK, _info(index) + text(_IFALIAS, alias(wire.instance)) + settings)


def up(index: int) -> bytes:
    return message(_NEWLINK, ACK, _info(index, flags=_UP | _NOARP, change=_UP | _NOARP | _MULTICAST))


def addressed(index: int, *, own: IPv4Address, peer: IPv4Address) -> bytes:
    body = struct.pack("=BBBBI", socket.AF_INET, 32, 0, _UNIVERSE, index)
    return message(_NEWADDR, CREATE | EXCL | ACK, body + attribute(2, own.packed) + attribute(1, peer.packed))


def known(index: int, address: IPv4Address) -> bytes:
    body = struct.pack("=BxxxiHBB", socket.AF_INET, index, _PERMANENT, 0, _UNICAST)
    return message(_NEWNEIGH, CREATE | ACK, body + attribute(1, address.packed) + attribute(2, hardware(address)))


def default(index: int, *, gateway: IPv4Address) -> bytes:
    body = struct.pack("=8BI", socket.AF_INET, 0, 0, 0, _MAIN, _STATIC, _UNIVERSE, _UNICAST, 0)
    return message(_NEWROUTE, CREATE | APPEND | ACK, body + attribute(5, gateway.packed) + number(4, index))


def hardware(address: IPv4Address) -> bytes:
    """Locally administered, and nobody else's on a veth."""
    return b"\x02\x00" + address.packed


def alias(instance: int) -> str:
    return f"{_ALIAS}{instance}"


def owner(alias: str) -> int:
    """0 for a link that is no instance's."""
    number = alias.removeprefix(_ALIAS)
    return int(number) if number != alias and number.isdecimal() else 0


def index(end: socket.socket, name: str) -> int:
    """In the network namespace to which `end` leads."""
    [(_, body)] = ask(end, message(_GETLINK, 0, _info() + text(_IFNAME, name)), what=f"find {name}")
    return int.from_bytes(body[4:8], "little")


def links() -> Iterator[tuple[str, str]]:
    """(name, alias) of every link in this network namespace."""
    with opened(PROTOCOL) as end:
        for _, body in ask(end, message(_GETLINK, DUMP, _info())):
            found = dict(attributes(body[16:]))
            yield _word(found.get(_IFNAME, b"")), _word(found.get(_IFALIAS, b""))


def routes() -> Iterator[tuple[str, IPv4Network]]:
    """(interface, destination) of every IPv4 route of every table but those to this host itself."""
    with opened(PROTOCOL) as end:
        for _, body in ask(end, message(_GETROUTE, DUMP, struct.pack("=B11x", socket.AF_INET))):
            found = dict(attributes(body[12:]))
            if body[7] == _UNICAST and 4 in found:
                try:
                    name = socket.if_indextoname(int.from_bytes(found[4], "little"))
                except OSError:  # a neighbour's, which has gone meanwhile
                    continue
                yield name, IPv4Network((found.get(1, bytes(4)), body[1]))


def _info(index: int = 0, *, flags: int = 0, change: int = 0) -> bytes:
    return struct.pack("=BxHiII", 0, 0, index, flags, change)


def _word(value: bytes) -> str:
    return value.rstrip(b"\0").decode(errors="replace")
