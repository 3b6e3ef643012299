"""What the kernel is asked about connections, on its own loopback."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from ipaddress import ip_address

import pytest

from exod.brokers.network import facts


@pytest.fixture(params=["127.0.0.1", "::1"])
def connected(request: pytest.FixtureRequest) -> Iterator[tuple[socket.socket, socket.socket]]:
    family = socket.AF_INET6 if ":" in request.param else socket.AF_INET
    with ExitStack() as stack:
        server = stack.enter_context(socket.create_server((request.param, 0), family=family))
        end = stack.enter_context(socket.create_connection(server.getsockname()[:2]))
        yield end, stack.enter_context(server.accept()[0])


def test_a_connection_is_held_as_long_as_a_descriptor_leads_to_it(
    connected: tuple[socket.socket, socket.socket],
) -> None:
    end, _ = connected
    held = facts.remember(end)
    with end.dup():
        end.close()
        assert facts.still_held([held]) == [held]
    assert facts.still_held([held]) == []


def test_one_that_the_other_side_closed_is_still_held(connected: tuple[socket.socket, socket.socket]) -> None:
    end, peer = connected
    held = facts.remember(end)
    peer.close()
    assert facts.still_held([held]) == [held]


def test_another_connection_between_the_same_places_is_not_it(connected: tuple[socket.socket, socket.socket]) -> None:
    held = facts.remember(connected[0])
    other = facts.Held(held.family, held.id[:-8] + (int.from_bytes(held.id[-8:], "little") + 1).to_bytes(8, "little"))
    assert facts.still_held([other, held]) == [held]


def test_what_the_kernel_cannot_answer_is_an_error() -> None:
    with pytest.raises(OSError, match="Invalid argument|not supported|No such"):
        facts.still_held([facts.Held(200, bytes(48))])


@pytest.mark.parametrize(("address", "own"), [("127.0.0.1", True), ("::1", True), ("8.8.8.8", False)])
def test_an_address_is_this_hosts_own_when_it_can_be_bound_to(address: str, *, own: bool) -> None:
    assert facts.is_own(ip_address(address)) is own
