"""Wires on a host of the tests' own: what was granted passes, nothing else does; each end holds without the other."""

import asyncio
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from exod.brokers.network.own import link, steps
from exod.brokers.network.own.netlink import ROUTE, ask, opened
from exod.brokers.network.own.steps import Wires
from exod.brokers.network.own.table import FLOWS
from exod.errors import Refused
from exod.settings import Settings
from tests.exod.brokers.network.own import apart
from tests.exod.brokers.network.own.apart import HOST, OUTSIDE, Place, bound, held, reaches, tcp, udp
from tests.exod.sandbox.rig import confinement

SETTINGS = Settings(network_range="10.251.0.0/16")
TABLE = "exod_0afb"
GRANTS = ("listen:tcp:8080", "listen:udp:5353", f"udp:{HOST}:9000")
STREAM, DATAGRAM = socket.SOCK_STREAM, socket.SOCK_DGRAM
_SO_RCVBUFFORCE = 33
ENDS = ("both", "the host's", "the instance's")


@dataclass
class Lab:
    host: Place
    wires: Wires
    open: list[socket.socket] = field(default_factory=list)

    async def lay(self, instance: int = 1, *entries: str) -> tuple[int, str]:
        """The network namespace of an instance, and its address."""
        space = self.host.space()
        await self.wires.connect(instance, confinement(permissions={"network": entries or GRANTS}), space)
        return space, self.wires.shown(instance)["address"]

    def listener(self, kind: int, port: int, *, space: int | None = None, at: str = "0.0.0.0") -> socket.socket:
        self.open.append(self.host.within(self.host.home if space is None else space, lambda: bound(kind, port, at)))
        return self.open[-1]

    def end(self, make: Callable[[], socket.socket], *, space: int | None = None) -> socket.socket:
        self.open.append(self.host.within(self.host.home if space is None else space, make))
        return self.open[-1]

    def leave_only(self, end: str, space: int) -> None:
        """The rules of that end, so that it is they that hold."""
        if end == "the host's":
            self.host.within(space, lambda: apart.drop_table(TABLE))
        elif end == "the instance's":
            apart.drop_table(TABLE)


@pytest.fixture
def lab() -> Iterator[Lab]:
    with apart.place() as host:
        made = Lab(host, Wires(SETTINGS))
        yield made
        for one in made.open:
            one.close()


async def test_a_server_is_reached_from_this_host_and_answers(lab: Lab) -> None:
    space, address = await lab.lay()
    server, ear = lab.listener(STREAM, 8080, space=space), lab.listener(DATAGRAM, 5353, space=space)
    client = lab.end(tcp)
    client.connect((address, 8080))
    with server.accept()[0] as served:
        served.sendall(b"hello")
        assert client.recv(5) == b"hello"
    asker = lab.end(udp)
    asker.settimeout(apart.PATIENCE)
    asker.sendto(b"question", (address, 5353))
    said, who = ear.recvfrom(64)
    ear.sendto(b"answer", who)
    assert (said, asker.recv(64)) == (b"question", b"answer")


async def test_what_udp_names_is_asked_and_answers(lab: Lab) -> None:
    space, _ = await lab.lay()
    service, asker = lab.listener(DATAGRAM, 9000, at=HOST), lab.end(udp, space=space)
    assert reaches(asker, (HOST, 9000), service)
    asker.sendto(b"again", (HOST, 9000))
    said, who = service.recvfrom(64)
    service.sendto(b"answer", who)
    assert (said, asker.recv(64)) == (b"again", b"answer")


@pytest.mark.parametrize("end", ENDS)
async def test_nothing_else_of_the_instance_comes_to_the_host(lab: Lab, end: str) -> None:
    space, address = await lab.lay()
    gate = str(lab.wires._wires[1].ours)
    lab.leave_only(end, space)
    service, other, web = lab.listener(DATAGRAM, 9000), lab.listener(DATAGRAM, 9001), lab.listener(STREAM, 9000)
    ear = lab.listener(DATAGRAM, 5353, space=space)
    for to in (HOST, gate):
        assert held(lab.end(tcp, space=space), (to, 9000), web)
        assert held(lab.end(udp, space=space), (to, 9001), other)
        assert held(ear, (to, 9001), other), "from a port on which it listens"
    assert held(lab.end(udp, space=space), (gate, 9000), service)
    assert reaches(lab.end(udp, space=space), (HOST, 9000), service), "what is granted"
    assert address != gate


@pytest.mark.parametrize("end", ENDS)
async def test_so_many_flows_are_begun_that_the_hosts_table_of_them_is_never_full(lab: Lab, end: str) -> None:
    """nf_conntrack_max is the whole host's, and what is in that table is nobody's memory."""
    space, _ = await lab.lay()
    lab.leave_only(end, space)
    service = lab.listener(DATAGRAM, 9000, at=HOST)
    service.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, 4 << 20)
    for number in range(2 * FLOWS):
        sender = lab.end(udp, space=space)
        with suppress(PermissionError):
            sender.sendto(str(number).encode(), (HOST, 9000))
    service.setblocking(False)
    heard = 0
    with suppress(BlockingIOError):
        while service.recv(64):
            heard += 1
    assert heard == FLOWS


@pytest.mark.parametrize("end", ENDS)
async def test_nobody_comes_to_a_port_of_the_instance_that_was_not_granted(lab: Lab, end: str) -> None:
    space, address = await lab.lay()
    lab.leave_only(end, space)
    web, ear = lab.listener(STREAM, 8081, space=space), lab.listener(DATAGRAM, 8080, space=space)
    assert held(lab.end(tcp), (address, 8081), web)
    assert held(lab.end(udp), (address, 8080), ear)
    assert reaches(lab.end(tcp), (address, 8080), lab.listener(STREAM, 8080, space=space)), "what is granted"


async def test_without_the_rules_of_either_end_all_of_that_would_succeed(lab: Lab) -> None:
    space, address = await lab.lay()
    lab.leave_only("the host's", space)
    lab.leave_only("the instance's", space)
    assert reaches(lab.end(tcp, space=space), (HOST, 9000), lab.listener(STREAM, 9000))
    assert reaches(lab.end(udp, space=space), (HOST, 9001), lab.listener(DATAGRAM, 9001))
    assert reaches(lab.end(tcp), (address, 8081), lab.listener(STREAM, 8081, space=space))


@pytest.mark.parametrize("end", ENDS)
async def test_one_instance_does_not_reach_another(lab: Lab, end: str) -> None:
    apart.forward(on=True)
    space, _ = await lab.lay(1, "listen:tcp:8080", "listen:udp:5353", "udp:10.251.0.3:5353")
    other, address = await lab.lay(2)
    assert address == "10.251.0.3"
    web, ear = lab.listener(STREAM, 8080, space=other), lab.listener(DATAGRAM, 5353, space=other)
    if end != "the instance's":  # there it was named, and the host decides
        lab.leave_only(end, space)
        assert held(lab.end(udp, space=space), (address, 5353), ear)
    assert held(lab.end(tcp, space=space), (address, 8080), web)
    assert reaches(lab.end(udp), (address, 5353), ear), "from the host"


async def test_one_instance_would_reach_another_without_rules(lab: Lab) -> None:
    apart.forward(on=True)
    space, _ = await lab.lay(1)
    other, address = await lab.lay(2)
    for where in (space, other):
        lab.leave_only("the host's", where)
    apart.drop_table(TABLE)
    assert reaches(lab.end(tcp, space=space), (address, 8080), lab.listener(STREAM, 8080, space=other))


async def test_a_sender_that_is_not_its_own_is_dropped_by_the_host(lab: Lab) -> None:
    """An instance cannot add addresses; this is one that broke out of the lower rights that it has."""
    space, _ = await lab.lay()
    lab.leave_only("the host's", space)
    service = lab.listener(DATAGRAM, 9000)
    lab.host.within(space, lambda: apart._raise("eth0", "203.0.113.5"))
    spoofed = lab.end(lambda: bound(DATAGRAM, 0, "203.0.113.5"), space=space)
    assert held(spoofed, (HOST, 9000), service)
    assert reaches(lab.end(udp, space=space), (HOST, 9000), service)


async def test_a_neighbours_name_opens_no_conversation_of_the_neighbours(lab: Lab) -> None:
    """What is established passes; whose it is says the link that it comes by. rp_filter, which holds it too, is off."""
    space, _ = await lab.lay(1)
    other, address = await lab.lay(2)
    lab.leave_only("the host's", space)
    for name in ("all", "exo0afb0000"):
        (Path("/proc/sys/net/ipv4/conf") / name / "rp_filter").write_text("0")
    ear, client = lab.listener(DATAGRAM, 5353, space=other), lab.end(udp)
    client.sendto(b"question", (address, 5353))
    _, who = ear.recvfrom(64)
    ear.sendto(b"answer", who)
    assert client.recv(64) == b"answer"
    lab.host.within(space, lambda: apart._raise("eth0", address))
    assert held(lab.end(lambda: bound(DATAGRAM, 5353, address), space=space), who, client)
    assert reaches(ear, who, client)


async def test_there_is_no_arp_no_multicast_and_no_ipv6_on_either_end(lab: Lab) -> None:
    space, _ = await lab.lay()
    for where, name in ((space, "eth0"), (lab.host.home, "exo0afb0000")):
        flags, six = lab.host.within(where, lambda name=name: (_flags(name), _addresses6(name)))  # type: ignore[misc]
        assert (flags & 0x80, flags & 0x1000, six) == (0x80, 0, 0)


def _flags(name: str) -> int:
    with opened(ROUTE) as end:
        [(_, body)] = ask(end, link.message(18, 0, link._info() + link.text(3, name)))
    return int.from_bytes(body[8:12], "little")


def _addresses6(name: str) -> int:
    with opened(ROUTE) as end:
        found = ask(end, link.message(22, link.DUMP, bytes([socket.AF_INET6, 0, 0, 0, 0, 0, 0, 0])))
    return sum(int.from_bytes(body[4:8], "little") == socket.if_nametoindex(name) for _, body in found)


# --- beyond this host -------------------------------------------------------------------------------------------------


async def test_what_udp_names_elsewhere_is_asked_in_the_name_of_the_host(lab: Lab) -> None:
    beyond = apart.neighbourhood(lab.host)
    space, _ = await lab.lay(1, f"udp:{OUTSIDE}:53")
    service, other = lab.listener(DATAGRAM, 53, space=beyond), lab.listener(DATAGRAM, 54, space=beyond)
    asker = lab.end(udp, space=space)
    assert held(asker, (OUTSIDE, 54), other)
    assert reaches(asker, (OUTSIDE, 53), service)
    asker.sendto(b"again", (OUTSIDE, 53))
    _, who = service.recvfrom(64)
    service.sendto(b"answer", who)
    assert (who[0], asker.recv(64)) == (apart.GATEWAY, b"answer")


@pytest.mark.parametrize(("visitors", "come"), [("", False), ("203.0.113.0/24", False), ("198.51.100.0/24", True)])
async def test_who_comes_from_elsewhere_is_let_in_by_the_host_alone(lab: Lab, visitors: str, come: bool) -> None:
    beyond = apart.neighbourhood(lab.host)
    lab.wires = Wires(replace(SETTINGS, network_visitors=visitors))
    space, address = await lab.lay()
    lab.host.within(beyond, lambda: apart.add_way("10.251.0.0", 16, by=apart.GATEWAY))
    server = lab.listener(STREAM, 8080, space=space)
    assert (reaches if come else held)(lab.end(tcp, space=beyond), (address, 8080), server)
    assert held(lab.end(tcp, space=beyond), (address, 8081), lab.listener(STREAM, 8081, space=space))


async def test_a_host_that_forwards_nothing_is_made_no_router(lab: Lab) -> None:
    with pytest.raises(Refused, match="forwards nothing") as caught:
        await lab.lay(1, f"udp:{OUTSIDE}:53")
    assert caught.value.refusal.code == "no-forwarding"
    assert [name for name, _ in link.links() if name.startswith("exo")] == []


# --- what is there, and goes ------------------------------------------------------------------------------------------


async def test_all_of_it_is_gone_when_it_is_taken_up(lab: Lab) -> None:
    before = set(os.listdir("/proc/self/fd"))
    await lab.lay(1)
    await lab.lay(2)
    assert (apart.tables(), len([*link.links()])) == (1, 3)
    await lab.wires.disconnect(1)
    assert [name for name, _ in link.links()][1:] == ["exo0afb0002"]
    await lab.wires.disconnect(2)
    await lab.wires.disconnect(2)
    assert (apart.tables(), [name for name, _ in link.links()]) == (0, ["lo"])
    assert len({*os.listdir("/proc/self/fd")} - before) == len(lab.host.spaces)


async def test_nothing_is_made_for_who_needs_no_network_of_its_own(lab: Lab) -> None:
    for entries in ((), ("tcp:example.org:443",)):
        await lab.wires.connect(1, confinement(permissions={"network": entries}), -1)
        lab.wires.adopt(1, confinement(permissions={"network": entries}))
    await lab.wires.disconnect(1)
    assert (lab.wires.shown(1), apart.tables()) == ({}, 0)


async def test_an_exod_that_is_started_anew_knows_whose_they_are(lab: Lab) -> None:
    space, address = await lab.lay(7)
    lab.wires = Wires(SETTINGS)
    lab.wires.adopt(7, confinement(permissions={"network": GRANTS}))
    await asyncio.gather(*lab.wires._rewriting)
    assert lab.wires.shown(7) == {"address": address}
    _, other = await lab.lay(8)
    assert other != address
    assert reaches(lab.end(tcp), (address, 8080), lab.listener(STREAM, 8080, space=space))
    await lab.wires.disconnect(7)
    await lab.wires.disconnect(8)
    assert apart.tables() == 0


async def test_who_was_taken_over_last_has_the_hosts_rules_whatever_happened_to_the_table(lab: Lab) -> None:
    first, second = (await lab.lay(1))[0], await lab.lay(2)
    await lab.lay(3)
    lab.wires = Wires(SETTINGS)
    granted = confinement(permissions={"network": GRANTS})
    lab.wires.adopt(1, granted)
    await lab.wires.disconnect(3)
    apart.drop_table(TABLE)
    lab.wires.adopt(2, granted)
    await asyncio.gather(*lab.wires._rewriting)
    assert reaches(lab.end(tcp), (second[1], 8080), lab.listener(STREAM, 8080, space=second[0]))
    lab.leave_only("the host's", first)
    assert held(lab.end(tcp, space=first), (HOST, 9000), lab.listener(STREAM, 9000))


async def test_what_an_earlier_exod_left_is_taken_up_with_its_instance(lab: Lab) -> None:
    await lab.lay(7)
    lab.wires = Wires(SETTINGS)
    await lab.wires.disconnect(7)
    assert (apart.tables(), [name for name, _ in link.links()]) == (0, ["lo"])


async def test_one_whose_link_is_gone_is_not_taken_over(lab: Lab) -> None:
    with pytest.raises(Refused, match="gone"):
        lab.wires.adopt(7, confinement(permissions={"network": GRANTS}))


async def test_an_address_is_used_again_only_after_all_others(lab: Lab) -> None:
    lab.wires = Wires(replace(SETTINGS, network_range="10.251.0.0/28"))
    seen = [(await lab.lay(number))[1] for number in range(1, 9)]
    assert len({*seen}) == 8
    with pytest.raises(Refused, match="all addresses"):
        await lab.lay(9)
    await lab.wires.disconnect(3)
    assert (await lab.lay(9))[1] == seen[2]


async def test_a_start_that_is_tried_again_has_one_wire(lab: Lab) -> None:
    await lab.lay(1)
    _, address = await lab.lay(1)
    assert ([name for name, _ in link.links()], address) == (["lo", "exo0afb0002"], "10.251.0.3")


async def test_a_range_that_leads_elsewhere_is_refused(lab: Lab) -> None:
    apart.add_route("10.251.8.0", 24, via="lo")
    with pytest.raises(Refused, match="reached through lo already"):
        await lab.lay()
    await lab.wires.disconnect(1)
    assert apart.tables() == 0


@pytest.mark.parametrize("said", ["nothing", "10.0.0.0/15", "8.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "fd00::/16"])
async def test_a_range_that_is_none_is_refused(lab: Lab, said: str) -> None:
    lab.wires = Wires(replace(SETTINGS, network_range=said))
    with pytest.raises(Refused, match="network-range"):
        await lab.lay()
    await lab.wires.disconnect(1)


async def test_a_worker_that_does_not_end_is_ended(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "_START", "import time; time.sleep(600)")
    monkeypatch.setattr(steps, "SECONDS", 0.2)
    with pytest.raises(Refused, match=r"longer than 0\.2 s"):
        await lab.lay()


async def test_a_worker_that_says_nothing_is_no_success(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "_START", "")
    with pytest.raises(Refused, match="ended before"):
        await lab.lay()
