"""Entries of `network` → what passes the two ends of a veth, and which addresses they have. Pure."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from typing import Any

from exod.errors import Outcome, Refusal

TCP, UDP = 6, 17
_PROTOCOLS = {"tcp": TCP, "udp": UDP}
_PORT = re.compile(r"[1-9][0-9]{3,4}")
_LINK = "exo"


@dataclass(frozen=True, slots=True)
class Policy:
    """listens: (protocol, port). sends: UDP only, (address, port)."""

    listens: tuple[tuple[int, int], ...] = ()
    sends: tuple[tuple[IPv4Address, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Wire:
    """`ours` and `theirs` are the addresses of its ends: of the host, of the instance."""

    instance: int
    ours: IPv4Address
    policy: Policy

    @property
    def theirs(self) -> IPv4Address:
        return self.ours + 1

    @property
    def link(self) -> str:
        """The host's end is called by its address: two daemons with different ranges never meet."""
        return f"{_LINK}{int(self.ours):08x}"


def is_own(entry: str) -> bool:
    """Whether it needs a network of its own."""
    return entry.startswith(("listen:", "udp:"))


def policy(entries: Iterable[str]) -> Policy | None:
    """None where nothing needs a network of its own; the entries were found without fault."""
    mine = [entry.split(":") for entry in entries if is_own(entry)]
    listens = [(_PROTOCOLS[kind], int(port)) for what, kind, port in mine if what == "listen"]
    sends = [(IPv4Address(host), int(port)) for what, host, port in mine if what == "udp"]
    return Policy(tuple(listens), tuple(sends)) if mine else None


def listen_fault(place: str) -> str:
    """Of `listen:PROTOCOL:PORT`, without its first word."""
    kind, _, port = place.partition(":")
    if kind not in _PROTOCOLS:
        return "what listens is tcp or udp"
    if not _PORT.fullmatch(port) or not 1024 <= int(port) <= 65535:
        return "a plugin listens on ports from 1024 on: those below take a right that it never has"
    return ""


def pairs(network: IPv4Network) -> int:
    return network.num_addresses // 2


def prefix(network: IPv4Network) -> str:
    """How the names of all links of this range begin, and no others of exod's."""
    return f"{_LINK}{int(network.network_address):08x}"[: len(_LINK) + network.prefixlen // 4]


def table(network: IPv4Network) -> str:
    """What its rules are called, at both ends."""
    return f"exod_{prefix(network).removeprefix(_LINK)}"


def wire(network: IPv4Network, place: int, *, instance: int, chosen: Policy) -> Wire:
    return Wire(instance, network[2 * place], chosen)


def place(network: IPv4Network, link: str) -> int | None:
    """Of the link that is called so; None of one that is not of this range."""
    if not re.fullmatch(_LINK + "[0-9a-f]{8}", link) or not link.startswith(prefix(network)):
        return None
    return (int(link.removeprefix(_LINK), 16) - int(network.network_address)) // 2


def range_of(text: str) -> IPv4Network | Refusal:
    """Names of links tell ranges apart by whole hexadecimal digits."""
    try:
        found = IPv4Network(text)
    except ValueError as error:
        return no_network(f'"network-range" is none: {error}')
    if not found.is_private or found.is_loopback or found.is_link_local or found.prefixlen not in range(8, 29, 4):
        return no_network('"network-range" is a private one of /8, /12, /16, /20, /24 or /28')
    return found


def is_network(text: str) -> bool:
    try:
        return bool(IPv4Network(text))
    except ValueError:
        return False


def overlap(network: IPv4Network, routes: Iterable[tuple[str, IPv4Network]]) -> str:
    """The interface on which something of the range is reached already; "" where nothing is. Default routes say
    nothing of whose the range is.
    """
    ours = prefix(network)
    others = (name for name, to in routes if to.prefixlen and to.overlaps(network) and not name.startswith(ours))
    return next(others, "")


def no_network(reason: str) -> Refusal:
    hint = "exod.toml: network-range; man exod.toml"
    return Refusal("no-own-network", f"cannot make a network for a plugin: {reason}", hint, outcome=Outcome.FAILED)


def pack(wires: Sequence[Wire]) -> list[Any]:
    """As JSON knows it."""
    sends = [[[str(address), port] for address, port in one.policy.sends] for one in wires]
    return [[one.instance, str(one.ours), [*one.policy.listens], sent] for one, sent in zip(wires, sends, strict=True)]


def unpack(packed: Iterable[Any]) -> list[Wire]:
    return [
        Wire(
            instance,
            IPv4Address(ours),
            Policy(
                tuple((kind, port) for kind, port in listens), tuple((IPv4Address(host), port) for host, port in sends)
            ),
        )
        for instance, ours, listens, sends in packed
    ]
