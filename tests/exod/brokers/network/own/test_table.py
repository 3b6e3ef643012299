"""Rules as nftables has them: one batch, taken whole by the kernel, in an empty network namespace."""

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network

import pytest

from exod.brokers.network.own import netlink, table
from exod.brokers.network.own.rules import TCP, UDP, Policy, wire
from tests.exod.brokers.network.own import apart

RANGE = IPv4Network("10.251.0.0/16")
CHOSEN = Policy(((TCP, 8080), (UDP, 5353)), ((IPv4Address("192.0.2.1"), 53),))
_NEWRULE = 10 << 8 | 6


@pytest.fixture(autouse=True)
def apart_from_the_host() -> Iterator[None]:
    with apart.place():
        yield


def rules() -> dict[str, int]:
    """Chain → how many rules it has."""
    found: dict[str, int] = {}
    with netlink.opened(netlink.NETFILTER) as end:
        for _, body in netlink.ask(end, netlink.message(10 << 8 | 7, netlink.DUMP, bytes(4))):
            chain = dict(netlink.attributes(body[4:]))[2].rstrip(b"\0").decode()
            found[chain] = found.get(chain, 0) + 1
    return found


def ask(batch: bytes) -> None:
    with netlink.opened(netlink.NETFILTER) as end:
        netlink.roomy(end)
        netlink.ask(end, batch)


def host(count: int, *, chosen: Policy = CHOSEN, visitors: IPv4Network | None = None) -> bytes:
    wires = [wire(RANGE, number, instance=number + 1, chosen=chosen) for number in range(count)]
    return table.ours("exod_test", wires, network=RANGE, visitors=visitors)


def test_the_kernel_takes_the_table_of_the_host_with_every_wire() -> None:
    ask(host(2))
    assert rules() == {
        "spoofed": 3, "sends": 4, "listens": 6, "input": 1, "output": 1, "forward": 4, "leaves": 1,
    }  # fmt: skip


def test_visitors_are_one_rule_more() -> None:
    ask(host(1, visitors=IPv4Network("192.168.1.0/24")))
    assert rules()["forward"] == 5


def test_nobody_is_translated_who_sends_nowhere() -> None:
    ask(host(1, chosen=Policy(((TCP, 8080),))))
    assert "leaves" not in rules()


def test_it_is_written_anew_as_a_whole_and_gone_with_the_last_wire() -> None:
    ask(host(3))
    ask(host(1))
    assert rules()["spoofed"] == 2
    ask(host(0))
    ask(host(0))
    assert apart.tables() == 0


def test_a_batch_with_one_bad_rule_changes_nothing() -> None:
    ask(host(1))
    bad = host(2).replace(netlink.text(3, "leaves"), netlink.text(3, "leave/"), 1)
    with pytest.raises(FileNotFoundError):
        ask(bad)
    assert rules()["spoofed"] == 2


def test_the_kernel_takes_the_table_of_the_instance() -> None:
    ask(table.theirs("exod_test", CHOSEN))
    assert rules() == {"input": 3, "output": 2}
    with netlink.opened(netlink.NETFILTER) as end:
        assert table.names(end) == ["exod_test"]


def test_a_hundred_wires_with_as_many_entries_as_there_may_be_are_one_batch() -> None:
    many = Policy(tuple((TCP, 2000 + number) for number in range(64)))
    ask(host(100, chosen=many))
    assert rules()["listens"] == 6402
