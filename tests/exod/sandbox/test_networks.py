"""Instances with a network of their own, behind all their walls: what they may with it, and that it goes with them."""

import os
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from exod.brokers.doctor.residue import look
from exod.brokers.files.domain import landlock_abi
from exod.brokers.network.own import link
from exod.linux import procfs
from tests.exod.brokers.network.own import apart
from tests.exod.brokers.network.own.apart import HOST, Place, bound, reaches, tcp
from tests.exod.sandbox.rig import Peer, Rig, ending

TCP, UDP = "listen:tcp:8080", "listen:udp:5353"
SERVER = "server := socket.create_server(('', 8080))"
SOCKETS = {
    "raw": "socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)",
    "ping": "socket.socket(socket.AF_INET, socket.SOCK_DGRAM, 1)",
    "packet": "socket.socket(socket.AF_PACKET, socket.SOCK_RAW)",
    "netlink": "socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)",
    "unix": "socket.socket(socket.AF_UNIX)",
    "mptcp": "socket.socket(socket.AF_INET, socket.SOCK_STREAM, 262)",
    "sctp": "socket.socket(socket.AF_INET, socket.SOCK_STREAM, 132)",
}


def connect(address: str, port: int) -> str:
    return f"(lambda end: [end.settimeout(0.4), end.connect(('{address}', {port}))])(socket.socket())"


@pytest.fixture
def host() -> Iterator[Place]:
    with apart.place() as made:
        yield made


@pytest.fixture
async def rig(host: Place, tmp_path: Path) -> AsyncIterator[Rig]:
    async with ending(Rig(tmp_path)) as rig:
        await rig.attach()
        yield rig
    assert look(replace(rig.scope(), own=False)) == frozenset(), host
    assert left() == (["lo"], 0)


def left() -> tuple[list[str], int]:
    """Links, and tables of rules."""
    return [name for name, _ in link.links()], apart.tables()


async def started(rig: Rig, *entries: str, instance: int = 1) -> tuple[Peer, str]:
    """An instance, and its address as exod shows it."""
    peer = await rig.start(instance, permissions={"network": entries})
    return peer, (await rig.host.inspect(instance))["address"]


async def test_a_server_in_an_instance_is_reached_and_every_wall_stands(rig: Rig) -> None:
    peer, address = await started(rig, TCP)
    with peer.end, tcp() as client:
        assert "8080" in peer.ask(f"({SERVER}).getsockname()")
        client.connect((address, 8080))
        assert peer.ask("(taken := server.accept()[0]).sendall(b'hello')") == "None"
        assert client.recv(5) == b"hello"
        assert peer.hello["walls"]["socket"] == "EPERM"
        status = procfs.status(peer.pid)
        assert (status["CapEff"], status["CapBnd"], status["Seccomp"]) == ("0" * 16, "0" * 16, "2")


async def test_a_datagram_that_it_sends_comes_where_it_was_granted(rig: Rig) -> None:
    with bound(socket.SOCK_DGRAM, 9000, HOST) as service:
        peer, address = await started(rig, f"udp:{HOST}:9000")
        with peer.end:
            assert peer.ask(f"socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('{HOST}', 9000))") == "1"
            assert service.recvfrom(8)[1][0] == address


async def test_no_other_socket_is_had_with_it(rig: Rig) -> None:
    peer, _ = await started(rig, TCP, UDP)
    with peer.end:
        for kind, call in SOCKETS.items():
            assert peer.ask(call).startswith("!PermissionError(1"), kind


async def test_who_has_one_protocol_has_no_socket_of_the_other(rig: Rig) -> None:
    for number, (entry, other) in enumerate([(TCP, "SOCK_DGRAM"), (UDP, "SOCK_STREAM")], 1):
        peer, _ = await started(rig, entry, instance=number)
        with peer.end:
            assert peer.ask(f"socket.socket(socket.AF_INET, socket.{other})").startswith("!PermissionError(1")


async def test_it_listens_on_no_other_port_and_connects_nowhere(rig: Rig) -> None:
    with bound(socket.SOCK_STREAM, 7000) as service:
        peer, address = await started(rig, TCP)
        gate = socket.inet_ntoa((int.from_bytes(socket.inet_aton(address), "big") - 1).to_bytes(4, "big"))
        with peer.end:
            other = peer.ask("socket.create_server(('', 8081)).fileno()")
            assert other.startswith("!PermissionError(13") if landlock_abi() >= 4 else other.isdigit()
            for to in (HOST, gate):
                assert peer.ask(connect(to, 7000))[0] == "!"
            service.setblocking(False)
            with pytest.raises(BlockingIOError):
                service.accept()


async def test_it_takes_no_name_among_the_hosts_abstract_sockets_by_its_channel(rig: Rig) -> None:
    """The channel was made in the host's network, and `bind` asks for no kind of socket."""
    peer, _ = await started(rig, TCP)
    with peer.end:
        bind = "socket.socket(fileno=os.dup(3)).bind('\\0exod-squatter')"
        assert peer.ask(bind).startswith("!OSError(22")
    with socket.socket(socket.AF_UNIX) as nobody, pytest.raises(ConnectionRefusedError):
        nobody.connect("\0exod-squatter")


async def test_it_may_not_touch_its_own_network(rig: Rig) -> None:
    """Neither with a socket's own calls, nor with a namespace in which it would have the right."""
    peer, _ = await started(rig, TCP)
    with peer.end:
        for call in ("fcntl.ioctl(socket.socket(), 0x8914, bytes(40))", "socket.if_nametoindex('eth0')"):
            assert peer.ask(call)[0] == "!", call


async def test_what_was_laid_goes_when_the_instance_is_killed(rig: Rig) -> None:
    peer, _ = await started(rig, TCP)
    with peer.end:
        os.kill(peer.pid, signal.SIGKILL)
        await rig.until(lambda: rig.exits)
    await rig.host.discard(1)
    assert left() == (["lo"], 0)


async def test_two_instances_have_two_addresses_and_do_not_meet(rig: Rig) -> None:
    one, first = await started(rig, TCP)
    two, second = await started(rig, TCP, instance=2)
    with one.end, two.end:
        assert first != second
        two.ask(f"({SERVER}).setblocking(False)")
        assert one.ask(connect(second, 8080))[0] == "!"
        assert "BlockingIOError" in two.ask("server.accept()")


async def test_a_start_that_goes_no_further_than_its_wire_leaves_nothing(rig: Rig) -> None:
    launch = rig.launch(permissions={"network": (TCP,)})
    await rig.host.prepare(launch)
    assert len([*link.links()]) == 2
    await rig.host.discard(1)
    assert left() == (["lo"], 0)


def test_the_tests_own_reach_is_not_the_reason(host: Place) -> None:
    with bound(socket.SOCK_STREAM, 7000) as service, tcp() as end:
        assert reaches(end, (HOST, 7000), service)
