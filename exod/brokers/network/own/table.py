"""Wires → the nftables rules at both of their ends (linux/netfilter/nf_tables.h), each as one batch.

The host's table holds every wire and is written anew as a whole. The other lies in the instance's own network
namespace, which the instance may not change: it stands when somebody flushes the host's rules.
"""

import socket
import struct
from collections.abc import Iterator, Sequence
from ipaddress import IPv4Address, IPv4Network

from exod.brokers.network.own.netlink import (
    ACK,
    APPEND,
    CREATE,
    DUMP,
    ask,
    attribute,
    attributes,
    be32,
    message,
    nested,
    text,
)
from exod.brokers.network.own.rules import UDP, Policy, Wire, prefix

_SUBSYSTEM = 10 << 8
_NEWTABLE, _GETTABLE, _DELTABLE, _NEWCHAIN, _NEWRULE = 0, 1, 2, 3, 6
_BEGIN, _END = 0x10, 0x11
_INET, _IPV4 = 1, 2
_DROP, _ACCEPT, _JUMP = 0, 1, -3
_PREROUTING, _INPUT, _FORWARD, _OUTPUT, _POSTROUTING = range(5)
_BEFORE_ALL, _FILTER, _SOURCE_NAT = -310, 0, 100
_IIFNAME, _OIFNAME, _NFPROTO, _L4PROTO = 6, 7, 15, 16
_NETWORK, _TRANSPORT = 1, 2
_SOURCE, _DESTINATION, _PORT = 12, 16, 2
"""Offsets in the headers of IPv4, and of TCP and UDP."""
_ESTABLISHED = 2
_NAME_SIZE = 16
FLOWS = 128
"""From how many ports at once one address and port is sent to."""

Expression = bytes


def ours(name: str, wires: Sequence[Wire], *, network: IPv4Network, visitors: IPv4Network | None) -> bytes:
    """The host's table. visitors: who may come from elsewhere to what listens; None: nobody but this host."""
    if not wires:
        return _batch(_table(_NEWTABLE, name), _table(_DELTABLE, name))
    mine = prefix(network)
    rules = [
        *_chain(name, "spoofed", hook=(_PREROUTING, _BEFORE_ALL)),
        *(
            _rule(name, "spoofed", _from(one.link, exact=True), _ip(_SOURCE, one.theirs), _end(_ACCEPT))
            for one in wires
        ),
        _rule(name, "spoofed", _from(mine), _end(_DROP)),
        *_chain(name, "sends"),
        _rule(name, "sends", _established(), _end(_ACCEPT)),
        *(
            _rule(name, "sends", _ip(_SOURCE, one.theirs), sent, _end(_ACCEPT))
            for one in wires
            for sent in _sent(one.policy)
        ),
        _rule(name, "sends", _end(_DROP)),
        *_chain(name, "listens"),
        _rule(name, "listens", _established(), _end(_ACCEPT)),
        *(
            _rule(name, "listens", _ip(_DESTINATION, one.theirs), heard, _end(_ACCEPT))
            for one in wires
            for heard in _heard(one.policy)
        ),
        _rule(name, "listens", _end(_DROP)),
        *_chain(name, "input", hook=(_INPUT, _FILTER)),
        _rule(name, "input", _from(mine), _jump("sends")),
        *_chain(name, "output", hook=(_OUTPUT, _FILTER)),
        _rule(name, "output", _to(mine), _jump("listens")),
        *_forwarding(name, mine, visitors),
        *_translation(name, mine, wires, network),
    ]
    return _batch(_table(_NEWTABLE, name), _table(_DELTABLE, name), _table(_NEWTABLE, name), *rules)


def theirs(name: str, chosen: Policy) -> bytes:
    """The table of a new network namespace: whatever is not said here is dropped, both ways."""
    rules = [
        *_chain(name, "input", hook=(_INPUT, _FILTER), policy=_DROP),
        _rule(name, "input", _established(), _end(_ACCEPT)),
        *(_rule(name, "input", heard, _end(_ACCEPT)) for heard in _heard(chosen)),
        *_chain(name, "output", hook=(_OUTPUT, _FILTER), policy=_DROP),
        _rule(name, "output", _established(), _end(_ACCEPT)),
        *(_rule(name, "output", sent, _end(_ACCEPT)) for sent in _sent(chosen)),
        *_chain(name, "forward", hook=(_FORWARD, _FILTER), policy=_DROP),
    ]
    return _batch(_table(_NEWTABLE, name), *rules)


def _forwarding(name: str, mine: str, visitors: IPv4Network | None) -> Iterator[bytes]:
    """Never from one wire to another."""
    yield from _chain(name, "forward", hook=(_FORWARD, _FILTER))
    yield _rule(name, "forward", _from(mine), _to(mine), _end(_DROP))
    yield _rule(name, "forward", _from(mine), _jump("sends"))
    yield _rule(name, "forward", _to(mine), _established(), _end(_ACCEPT))
    if visitors is not None:
        yield _rule(name, "forward", _to(mine), _within(_SOURCE, visitors), _jump("listens"))
    yield _rule(name, "forward", _to(mine), _end(_DROP))


def _translation(name: str, mine: str, wires: Sequence[Wire], network: IPv4Network) -> Iterator[bytes]:
    """Nobody out there knows the way to our range."""
    if any(one.policy.sends for one in wires):
        yield from _chain(name, "leaves", hook=(_POSTROUTING, _SOURCE_NAT), kind="nat")
        elsewhere = _meta(_OIFNAME) + _compare(mine.encode(), equal=False)
        yield _rule(name, "leaves", _within(_SOURCE, network), elsewhere, _expression("masq"))


def _sent(chosen: Policy) -> Iterator[Expression]:
    for address, port in chosen.sends:
        yield _ip(_DESTINATION, address) + _port(UDP, port) + _few()


def _heard(chosen: Policy) -> Iterator[Expression]:
    for protocol, port in chosen.listens:
        yield _ipv4() + _port(protocol, port)


def names(end: socket.socket) -> list[str]:
    """Of all tables of this family, whosever they are."""
    found = ask(end, message(_SUBSYSTEM | _GETTABLE, DUMP, struct.pack("!BBH", _INET, 0, 0)))
    return [dict(attributes(body[4:]))[1].rstrip(b"\0").decode() for _, body in found]


# --- messages ---------------------------------------------------------------------------------------------------------


def _batch(*messages: bytes) -> bytes:
    edge = struct.pack("!BBH", 0, 0, _SUBSYSTEM >> 8)
    return b"".join([message(_BEGIN, 0, edge), *messages, message(_END, 0, edge)])


def _said(kind: int, flags: int, *parts: bytes) -> bytes:
    return message(_SUBSYSTEM | kind, flags, struct.pack("!BBH", _INET, 0, 0) + b"".join(parts))


def _table(kind: int, name: str) -> bytes:
    return _said(kind, CREATE | ACK if kind == _NEWTABLE else ACK, text(1, name))


def _chain(
    table: str, name: str, *, hook: tuple[int, int] | None = None, policy: int = _ACCEPT, kind: str = "filter"
) -> Iterator[bytes]:
    parts = [text(1, table), text(3, name)]
    if hook is not None:
        parts += [nested(4, be32(1, hook[0]), be32(2, hook[1])), be32(5, policy), text(7, kind)]
    yield _said(_NEWCHAIN, CREATE, *parts)


def _rule(table: str, chain: str, *expressions: Expression) -> bytes:
    return _said(_NEWRULE, CREATE | APPEND, text(1, table), text(2, chain), nested(4, *expressions))


# --- expressions, each in register 1 ----------------------------------------------------------------------------------


def _expression(name: str, *parts: bytes) -> Expression:
    return nested(1, text(1, name), nested(2, *parts))


def _meta(key: int) -> Expression:
    return _expression("meta", be32(1, 1), be32(2, key))


def _compare(value: bytes, *, equal: bool = True) -> Expression:
    """With as many bytes as there are in `value`: a shorter name is the beginning of names."""
    return _expression("cmp", be32(1, 1), be32(2, 0 if equal else 1), nested(3, attribute(1, value)))


def _from(link: str, *, exact: bool = False) -> Expression:
    return _meta(_IIFNAME) + _compare(link.encode().ljust(_NAME_SIZE if exact else 0, b"\0"))


def _to(link: str) -> Expression:
    return _meta(_OIFNAME) + _compare(link.encode())


def _ipv4() -> Expression:
    return _meta(_NFPROTO) + _compare(bytes([_IPV4]))


def _payload(base: int, offset: int, size: int) -> Expression:
    return _expression("payload", be32(1, 1), be32(2, base), be32(3, offset), be32(4, size))


def _ip(offset: int, address: IPv4Address) -> Expression:
    return _ipv4() + _payload(_NETWORK, offset, 4) + _compare(address.packed)


def _within(offset: int, network: IPv4Network) -> Expression:
    masked = _masked(network.netmask.packed)
    return _ipv4() + _payload(_NETWORK, offset, 4) + masked + _compare(network.network_address.packed)


def _port(protocol: int, port: int) -> Expression:
    right = _payload(_TRANSPORT, _PORT, 2) + _compare(struct.pack("!H", port))
    return _meta(_L4PROTO) + _compare(bytes([protocol])) + right


def _masked(mask: bytes) -> Expression:
    values = nested(4, attribute(1, mask)), nested(5, attribute(1, bytes(4)))
    return _expression("bitwise", be32(1, 1), be32(2, 1), be32(3, 4), *values)


def _established() -> Expression:
    """`related` is not meant: nobody's errors concern a plugin."""
    state = _expression("ct", be32(1, 1), be32(2, 0))
    return state + _masked(struct.pack("=I", _ESTABLISHED)) + _compare(bytes(4), equal=False)


def _few() -> Expression:
    """The kernel keeps each for minutes, and of all that it keeps the whole host has only so many."""
    return _expression("connlimit", be32(1, FLOWS), be32(2, 0))


def _end(verdict: int) -> Expression:
    return _expression("immediate", be32(1, 0), nested(2, nested(2, be32(1, verdict))))


def _jump(chain: str) -> Expression:
    return _expression("immediate", be32(1, 0), nested(2, nested(2, be32(1, _JUMP), text(2, chain))))
