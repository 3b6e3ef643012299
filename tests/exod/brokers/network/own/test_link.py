"""Wires as rtnetlink has them: names, hardware addresses, and what is found of links and routes."""

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network

import pytest

from exod.brokers.network.own import link
from exod.brokers.network.own.netlink import ROUTE, ask, opened
from exod.brokers.network.own.rules import Policy, wire
from tests.exod.brokers.network.own import apart

WIRE = wire(IPv4Network("10.251.0.0/16"), 2, instance=17, chosen=Policy())


@pytest.fixture(autouse=True)
def apart_from_the_host() -> Iterator[None]:
    with apart.place():
        yield


def test_hardware_addresses_are_local_and_of_one_machine() -> None:
    address = link.hardware(IPv4Address("10.251.0.4"))
    assert address.hex() == "02000afb0004"
    assert address[0] & 3 == 2


@pytest.mark.parametrize(
    ("alias", "owner"),
    [
        ("exod instance 17", 17),
        ("exod instance ", 0),
        ("exod instance x", 0),
        ("", 0),
        ("17", 0),
        ("exod instance -1", 0),
    ],
)
def test_a_link_tells_whose_it_is(alias: str, owner: int) -> None:
    assert link.owner(alias) == owner


def test_a_link_is_made_found_with_its_owner_and_removed() -> None:
    with opened(ROUTE) as end:
        ask(end, link.made(WIRE))
        ask(end, link.guarded(link.index(end, WIRE.link), WIRE))
        assert dict(link.links()) == {"lo": "", "eth0": "", WIRE.link: "exod instance 17"}
        ask(end, link.removed(WIRE.link))
        assert dict(link.links()) == {"lo": ""}


def test_a_link_is_made_once() -> None:
    with opened(ROUTE) as end:
        ask(end, link.made(WIRE))
        with pytest.raises(FileExistsError):
            ask(end, link.made(WIRE))


def test_routes_are_told_with_their_interface() -> None:
    apart.add_route("10.9.0.0", 16, via="lo")
    assert ("lo", IPv4Network("10.9.0.0/16")) in list(link.routes())
    assert all(to.prefixlen for _, to in link.routes())
