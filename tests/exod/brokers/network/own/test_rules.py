"""Entries of a network of an instance's own: which address and name a wire has, and which ranges may serve."""

from ipaddress import IPv4Address, IPv4Network

import pytest

from exod.brokers.network.own import rules
from exod.brokers.network.own.rules import TCP, UDP, Policy
from exod.errors import Refusal

RANGE = IPv4Network("10.239.0.0/16")
CHOSEN = Policy(((TCP, 8080), (UDP, 5353)), ((IPv4Address("192.0.2.1"), 53),))


def test_entries_say_what_passes() -> None:
    assert rules.policy(["listen:tcp:8080", "udp:192.0.2.1:53", "listen:udp:5353"]) == CHOSEN


def test_who_only_has_connections_of_the_hosts_has_no_network_of_its_own() -> None:
    assert rules.policy([]) is rules.policy(["tcp:example.org:443", "tcp:[::1]:7"]) is None


def test_a_wire_is_called_by_its_address_and_found_by_its_name() -> None:
    wire = rules.wire(RANGE, 3, instance=9, chosen=CHOSEN)
    assert (str(wire.ours), str(wire.theirs), wire.link) == ("10.239.0.6", "10.239.0.7", "exo0aef0006")
    assert rules.place(RANGE, wire.link) == 3
    assert wire.link.startswith(rules.prefix(RANGE))


@pytest.mark.parametrize(
    "name", ["eth0", "exo", "exo0af00006", "exo0aef00067", "exo0AEF0006", "exotic0", "exo0aef000g"]
)
def test_no_other_link_is_taken_for_one_of_its_range(name: str) -> None:
    assert rules.place(RANGE, name) is None


def test_every_place_of_a_range_has_addresses_within_it() -> None:
    last = rules.wire(RANGE, rules.pairs(RANGE) - 1, instance=1, chosen=CHOSEN)
    assert (last.ours in RANGE, str(last.theirs)) == (True, "10.239.255.255")
    assert len(last.link) < 16


@pytest.mark.parametrize("text", ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "10.1.16.0/20", "10.1.2.0/24"])
def test_ranges_that_may_serve(text: str) -> None:
    assert rules.range_of(text) == IPv4Network(text)


@pytest.mark.parametrize(
    "text", ["", "x", "10.0.0.1/8", "10.0.0.0/15", "10.0.0.0/32", "8.8.0.0/16", "127.0.0.0/8", "169.254.0.0/16"]
)
def test_ranges_that_may_not(text: str) -> None:
    found = rules.range_of(text)
    assert isinstance(found, Refusal)
    assert "network-range" in found.sentence


def test_two_ranges_have_names_that_never_meet() -> None:
    one, other = rules.prefix(IPv4Network("10.240.1.0/24")), rules.prefix(IPv4Network("10.240.17.0/24"))
    assert not one.startswith(other)
    assert not other.startswith(one)


@pytest.mark.parametrize(
    ("routes", "way"),
    [
        ([("eth0", "0.0.0.0/0")], ""),
        ([("exo0aef0002", "10.239.0.3/32")], ""),
        ([("eth0", "10.238.0.0/16")], ""),
        ([("docker0", "10.239.7.0/24")], "docker0"),
        ([("eth0", "0.0.0.0/0"), ("vpn", "10.0.0.0/8")], "vpn"),
    ],
)
def test_a_range_in_which_others_are_is_seen(routes: list[tuple[str, str]], way: str) -> None:
    assert rules.overlap(RANGE, [(name, IPv4Network(to)) for name, to in routes]) == way


def test_what_a_worker_is_told_is_what_was_meant() -> None:
    wires = [rules.wire(RANGE, number, instance=number + 1, chosen=CHOSEN) for number in range(3)]
    assert rules.unpack(rules.pack(wires)) == wires


@pytest.mark.parametrize(
    ("text", "is_one"), [("10.0.0.0/8", True), ("10.0.0.1", True), ("10.0.0.1/8", False), ("x", False)]
)
def test_visitors_come_from_a_network(text: str, is_one: bool) -> None:
    assert rules.is_network(text) is is_one
