"""Which places may be granted at all, which question is answered, and where a name must not lead."""

from dataclasses import replace
from ipaddress import ip_address

import pytest

from exod.brokers.network import rules
from exod.brokers.network.rules import Target, admits, denied, never, private, target
from tests.exod.sandbox.rig import confinement


def asking(*entries: str) -> str:
    found = rules.check(replace(confinement(), permissions={"network": entries}))
    return "" if found is None else found.code


@pytest.mark.parametrize(
    "place",
    ["example.org:443", "*.example.org:443", "db:5432", "xn--bcher-kva.example:80", "10.0.0.5:1", "[2001:db8::1]:1"],
)
def test_names_below_a_name_and_addresses_may_be_granted(place: str) -> None:
    assert asking(f"tcp:{place}") == ""


@pytest.mark.parametrize("place", ["127.0.0.1:80", "[::1]:80", "169.254.169.254:80", "192.168.1.1:80", "[fd00::1]:1"])
def test_what_no_name_may_lead_to_may_be_named_literally(place: str) -> None:
    assert asking(f"tcp:{place}") == ""


@pytest.mark.parametrize(
    "place",
    [
        *("*.org:443", "*.127.0.0.1:80", "*.[::1]:80", "*.5.example.1:80", "-a.org:1", "a-.org:1", "a..b:1"),
        *("127.1:80", "2130706433:80", "0x7f000001:80", "0x7f.1:80", "0177.0.0.1:80", "127.0.0.01:80", "1.2.3:80"),
        *("[::ffff:7f00:1]:80", "[::7f00:1]:80", "[0:0:0:0:0:0:0:1]:80", "[::]:80", "[ff02::1]:80", "2001:db8::1:80"),
        *("0.0.0.0:80", "0.0.0.1:80", "224.0.0.1:80", "255.255.255.255:80", "[127.0.0.1]:80", "[example.org]:80"),
        *("example.org:0", "example.org:65536", "example.org:080", "a" * 64 + ".org:1", ".".join(["abcdefg"] * 32)),
    ],
)
def test_what_has_two_readings_or_is_no_place_is_refused(place: str) -> None:
    assert asking("tcp:example.org:443", f"tcp:{place}") == "permission-refused"


OWN = {
    "udp:example.org:53": "leads to an IPv4 address",
    "udp:*.example.org:53": "leads to an IPv4 address",
    "udp:[2001:db8::1]:53": "leads to an IPv4 address",
    "udp:010.0.0.1:53": "leads to an IPv4 address",
    "udp:127.0.0.1:53": "its own",
    "udp:0.0.0.0:53": "is not the address of one machine",
    "udp:224.0.0.1:53": "is not the address of one machine",
    "udp:255.255.255.255:53": "is not the address of one machine",
    "listen:tcp:80": "from 1024 on",
    "listen:udp:1023": "from 1024 on",
    "listen:tcp:65536": "from 1024 on",
    "listen:tcp:08080": "from 1024 on",
    "listen:sctp:8080": "tcp or udp",
    "listen:0.0.0.0:8080": "tcp or udp",
}


@pytest.mark.parametrize("entry", OWN)
def test_what_no_network_of_its_own_has_is_refused_by_name_with_the_reason(entry: str) -> None:
    found = rules.check(replace(confinement(), permissions={"network": (entry,)}))
    assert found is not None
    assert found.code == "permission-refused"
    assert f"asks for {entry}: " in found.sentence
    assert OWN[entry] in found.sentence


def test_servers_and_udp_are_granted_together() -> None:
    entries = ("listen:tcp:8080", "listen:udp:1024", "listen:tcp:65535", "udp:10.0.0.5:53", "udp:8.8.8.8:53")
    assert rules.check(replace(confinement(), permissions={"network": entries})) is None


@pytest.mark.parametrize("own", ["listen:tcp:8080", "listen:udp:5353", "udp:8.8.8.8:53"])
def test_who_may_connect_by_itself_is_handed_no_connection_of_the_hosts(own: str) -> None:
    """It would dissolve it and connect anew, in the host's network."""
    for entries in ((own, "tcp:example.org:443"), ("tcp:example.org:443", own)):
        found = rules.check(replace(confinement(), permissions={"network": entries}))
        assert found is not None
        assert "asks for tcp:example.org:443: what listens, or has udp, can connect" in found.sentence


HELD = ("tcp:example.org:443", "tcp:*.example.net:80", "tcp:10.0.0.5:1", "tcp:[::1]:7")


@pytest.mark.parametrize("place", ["example.org:443", "a.example.net:80", "b.a.example.net:80", "10.0.0.5:1"])
def test_what_is_held_is_answered(place: str) -> None:
    wanted = target(place)
    assert wanted is not None
    assert denied(wanted, held=HELD) is None


@pytest.mark.parametrize(
    "place",
    [
        *("example.org:80", "example.net:80", "notexample.net:80", "a.example.net:81", "www.example.org:443"),
        *("example.org.evil.com:443", "a.example.net.evil.com:80", "10.0.0.6:1", "10.0.0.5:2", "[::1]:8", "[::2]:7"),
    ],
)
def test_what_is_not_held_is_denied(place: str) -> None:
    wanted = target(place)
    assert wanted is not None
    found = denied(wanted, held=HELD)
    assert found is not None
    assert (found.code, found.sentence.startswith(f"cannot connect to {place}: ")) == ("connection-denied", True)


@pytest.mark.parametrize(
    "place",
    [
        *("EXAMPLE.org:443", "example.org.:443", "a.example.net.:80", "exämple.org:443", "example.org:443\n"),
        *("x.example.net\x00:80", " example.org:443", "example.org :443", "example。org:443", "exa mple.org:443"),
        *(".example.net:80", "..example.net:80", "*.example.net:80", "a_b.example.net:80", "user@example.org:443"),
        *("example.org:443:443", "example.org", "", ":443", "[]:7", "::1:7", "[::1%lo]:7", "[0::1]:7", "[::ffff:0:1]"),
        *("2130706433:80", "0x7f000001:80", "127.1:80", "example.org:+443", "example.org:4_43", "example.org:４４３"),
    ],
)
def test_a_question_has_one_spelling(place: str) -> None:
    assert target(place) is None


def test_a_wildcard_is_no_place_that_an_address_or_another_kind_could_match() -> None:
    assert not admits("tcp:*.0.0.5:1", "tcp:10.0.0.5:1")
    assert not admits("tcp:*.example.net:80", "udp:a.example.net:80")
    assert not admits("tcp:*.example.net:80", "a.example.net:80")
    assert not admits("read-only:/srv/*", "read-only:/srv/a")
    assert admits("tcp:*.example.net:80", "tcp:*.example.net:80"), "an entry is what it is"


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.8.9.1", "10.1.2.3", "172.16.0.1", "192.168.0.1", "169.254.169.254", "169.254.1.1"),
        *("100.64.0.1", "100.100.100.200", "192.0.0.192", "168.63.129.16", "0.0.0.0", "0.1.2.3", "224.0.0.1"),
        *("255.255.255.255", "240.0.0.1", "198.18.0.1", "192.0.2.1", "203.0.113.9"),
        *("::1", "::", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::127.0.0.1", "fe80::1", "fc00::1", "fd00:ec2::254"),
        *("ff02::1", "64:ff9b::7f00:1", "64:ff9b:1::1", "2002:7f00:1::", "2001::1", "2001:db8::1", "3fff::1", "100::1"),
    ],
)
def test_a_name_never_leads_to_what_is_not_public(address: str) -> None:
    assert private(ip_address(address))


@pytest.mark.parametrize("address", ["8.8.8.8", "93.184.216.34", "2606:2800:220:1::1", "2a00:1450:4001::5"])
def test_a_name_may_lead_to_what_is_public(address: str) -> None:
    assert not private(ip_address(address))
    assert never(ip_address(address)) == ""


def test_a_place_is_said_as_it_is_asked_for() -> None:
    for place in ("example.org:443", "10.0.0.5:1", "[::1]:7"):
        assert str(target(place)) == place
    assert target("[::1]:7") == Target("::1", 7, ip_address("::1"))
