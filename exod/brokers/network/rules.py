"""Where a plugin may be connected to: entries of `network` and a question → nothing, or a refusal. Pure.

One spelling for each place: what could be read in two ways (upper case, a dot at the end, numbers that only some take
for an address, IPv4 inside of IPv6) is refused, not translated.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

from exod.brokers.network.own.rules import is_own, listen_fault
from exod.errors import Refusal
from exod.plan.confine import Confinement

Address = IPv4Address | IPv6Address

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
"""As the last label it makes a number of the whole to inet_aton(3) and to browsers: 127.1, 0x7f.1, 2130706433."""
_PORT = re.compile(r"[1-9][0-9]{0,4}")
_NAME_MAX = 253
_EVERY = "*."

_UNICAST6 = IPv6Network("2000::/3")
_SPECIAL6 = tuple(
    IPv6Network(net)
    for net in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")  # Teredo and protocols, examples, 6to4
)
_MIXED = "what listens, or has udp, can connect: a connection of this host's in its hands would lead anywhere"
_METADATA = frozenset([IPv4Address("168.63.129.16")])
"""Azure's, which lies among public addresses; all others are link-local, shared or private."""


@dataclass(frozen=True, slots=True)
class Target:
    """`address` where the host is one, else None: then `host` is a name."""

    host: str
    port: int
    address: Address | None = None

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if isinstance(self.address, IPv6Address) else f"{self.host}:{self.port}"


def check(confinement: Confinement) -> Refusal | None:
    """Whatever its signer's ceiling and its policy allow."""
    entries = confinement.permissions.get("network", ())
    mixed = any(map(is_own, entries)) and any(not is_own(entry) for entry in entries)
    for entry in entries:
        if reason := _fault(entry) or (_MIXED if mixed and not is_own(entry) else ""):
            what = f"cannot load {confinement.plugin} {confinement.version}: it asks for {entry}: {reason}"
            return Refusal("permission-refused", what, "exoctl package inspect FILE", {"permission": entry})
    return None


def _fault(entry: str) -> str:
    kind, _, place = entry.partition(":")
    if kind == "listen":
        return listen_fault(place)
    if kind == "udp":
        return _send_fault(place)
    base = place.removeprefix(_EVERY)
    found = target(base)
    if found is None:
        return "it is neither a plain name nor an address in its usual spelling"
    if base != place and (found.address is not None or "." not in found.host):
        return "before a *. stands for names below a name of at least two parts"
    return never(found.address) if found.address is not None else ""


def _send_fault(place: str) -> str:
    found = target(place)
    if found is None or not isinstance(found.address, IPv4Address):
        return "udp leads to an IPv4 address: nobody looks a name up in a network of a plugin's own"
    if found.address.is_loopback:
        return "the loopback in a network of its own is its own"
    return never(found.address)


def target(text: str) -> Target | None:
    """`HOST:PORT` or `[IPv6]:PORT`, in the one spelling that it may have."""
    host, _, port = text.rpartition(":")
    if not _PORT.fullmatch(port) or int(port) > 65535:
        return None
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    address = _address(bare)
    if isinstance(address, IPv6Address) == (bare is host):
        return None
    if address is None and not _is_name(host):
        return None
    return Target(bare, int(port), address)


def _address(text: str) -> Address | None:
    try:
        found = ip_address(text)
    except ValueError:
        return None
    return found if str(found) == text and "%" not in text else None


def _is_name(text: str) -> bool:
    last = text.rpartition(".")[2]
    return len(text) <= _NAME_MAX and _NAME.fullmatch(text) is not None and not _NUMBER.fullmatch(last)


def admits(entry: str, wanted: str) -> bool:
    """Whether who holds `entry` may have `wanted`, both `tcp:HOST:PORT`. `*.` stands for one label or more."""
    ending, place = entry.removeprefix("tcp:*"), wanted.removeprefix("tcp:")
    found = target(place)
    if entry == wanted or found is None or found.address is not None or ending == entry or place == wanted:
        return entry == wanted
    return place.endswith(ending)


def denied(wanted: Target, *, held: Sequence[str]) -> Refusal | None:
    """What is held today counts, not what the plugin was told when it started."""
    if any(admits(entry, f"tcp:{wanted}") for entry in held):
        return None
    return Refusal("connection-denied", f"cannot connect to {wanted}: the plugin does not hold tcp:{wanted}")


def never(address: Address) -> str:
    """Why nobody is connected to it, though it be named; "" for others."""
    if isinstance(address, IPv6Address) and (address.ipv4_mapped or int(address) < 1 << 32) and not address.is_loopback:
        return "it is an IPv4 address, or none at all, in the form of IPv6"
    if address.is_multicast or address.is_unspecified or address == IPv4Address("255.255.255.255"):
        return "it is not the address of one machine"
    if isinstance(address, IPv4Address) and int(address) < 1 << 24:
        return "it stands for this host"
    return ""


def private(address: Address) -> bool:
    """Whether a name must not lead there: this host, its networks, what tells machines secrets, what is nobody's."""
    if isinstance(address, IPv4Address):
        return not address.is_global or address.is_multicast or address.is_reserved or address in _METADATA
    return address not in _UNICAST6 or any(address in net for net in _SPECIAL6)
