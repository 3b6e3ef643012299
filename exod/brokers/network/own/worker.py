"""A process that lives for one change: the host's table of wires written anew, one wire laid or taken up.

Started by `steps.py` as root with the change on descriptor 0, its answer on 1 and, where a wire is laid, a descriptor
of the instance's network namespace. Once its netlink sockets are open it is another uid with CAP_NET_ADMIN and nothing
else. It reads nothing that a plugin could have written.
"""

import errno
import json
import os
import resource
import socket
import struct
from collections.abc import Mapping
from ipaddress import IPv4Address, IPv4Network
from typing import Any

from exod.brokers.network.own import link, table
from exod.brokers.network.own.netlink import NETFILTER, ROUTE, ask, opened, roomy
from exod.brokers.network.own.rules import Wire, overlap, unpack
from exod.linux.netns import CLONE_NEWNET
from exod.linux.numbers import NUMBERS
from exod.linux.syscall import prctl, setns, syscall

CHANGE, ANSWER = 0, 1
DONE = "done"
MOST = 16 << 20
_KEEP_CAPABILITIES, _NO_NEW_PRIVILEGES = 8, 38
_CAPABILITIES_3, _NET_ADMIN = 0x20080522, 12
_LIMITS = {"AS": 1 << 30, "FSIZE": 0, "NOFILE": 32, "CORE": 1, "MEMLOCK": 0, "NPROC": 0, "CPU": 10}
_GONE = (errno.ENODEV, errno.ENOENT)


def main(uid: str) -> None:
    try:
        change(json.loads(os.pread(CHANGE, MOST, 0)), uid=int(uid))
        said = DONE
    except OSError as error:
        said = ": ".join(word for word in (str(error.filename or ""), error.strerror or str(error)) if word)
    os.write(ANSWER, said.encode())


def change(asked: Mapping[str, Any], *, uid: int) -> None:
    """Rules before links when one is laid, links before rules when one is taken up: no wire is ever without."""
    network, wires = IPv4Network(asked["range"]), unpack(asked["wires"])
    visitors = IPv4Network(asked["visitors"]) if asked["visitors"] else None
    laid = next((one for one in wires if one.instance == asked["laid"]), None)
    if laid is not None and (way := overlap(network, link.routes())):
        raise OSError(errno.EADDRINUSE, f"{network} is reached through {way} already")
    host, rules = opened(ROUTE), opened(NETFILTER)
    if laid is not None:
        setns(asked["network"], CLONE_NEWNET)  # what was opened before stays in the host's
    inside, inner_rules = opened(ROUTE), opened(NETFILTER)
    roomy(rules)
    give_up(uid)
    if asked["gone"]:
        _remove(host, asked["gone"])
    ask(rules, table.ours(asked["table"], wires, network=network, visitors=visitors), what="nf_tables")
    if laid is not None:
        ask(inner_rules, table.theirs(asked["table"], laid.policy), what="nf_tables of the instance")
        ask(host, link.made(laid, network=asked["network"]), what=f"make {laid.link}")
        _lay(laid, host, inside)


def give_up(uid: int) -> None:
    for name, most in _LIMITS.items():
        resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (most, most))
    prctl(_KEEP_CAPABILITIES, 1)
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    head, words = struct.pack("=Ii", _CAPABILITIES_3, 0), struct.pack("=6I", *[1 << _NET_ADMIN] * 2, 0, 0, 0, 0)
    syscall(NUMBERS[os.uname().machine]["capset"], head, words, what="capset")
    prctl(_NO_NEW_PRIVILEGES, 1)


def _remove(host: socket.socket, name: str) -> None:
    """It went with its instance, if the kernel was quicker."""
    try:
        ask(host, link.removed(name), what=f"remove {name}")
    except OSError as error:
        if error.errno not in _GONE:
            raise


def _lay(wire: Wire, host: socket.socket, route: socket.socket) -> None:
    """The host's end is up last, when all else is as it should be."""
    inner, outer = link.index(route, link.INSIDE), link.index(host, wire.link)
    _set_up(route, inner, own=wire.theirs, peer=wire.ours)
    ask(route, link.default(inner, gateway=wire.ours), what=f"route by {wire.ours}")
    ask(host, link.guarded(outer, wire), what=f"guard {wire.link}")
    _set_up(host, outer, own=wire.ours, peer=wire.theirs)


def _set_up(end: socket.socket, index: int, *, own: IPv4Address, peer: IPv4Address) -> None:
    try:
        ask(end, link.without_ipv6(index), what="no IPv6")
    except OSError as error:
        if error.errno != errno.EAFNOSUPPORT:  # of a kernel that has none
            raise
    for message in (link.addressed(index, own=own, peer=peer), link.up(index), link.known(index, peer)):
        ask(end, message, what=f"set up {own}")
