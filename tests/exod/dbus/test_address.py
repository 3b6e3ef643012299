"""Bus addresses, as the D-Bus specification writes them."""

import os

import pytest

from exod.dbus.address import BadAddress, candidates
from tests.exod.dbus import rig as rigs


@pytest.mark.parametrize(
    ("address", "targets"),
    [
        ("unix:path=/run/dbus/system_bus_socket", [b"/run/dbus/system_bus_socket"]),
        ("unix:path=/a%20b,guid=0123", [b"/a b"]),
        ("unix:abstract=/tmp/x%2cy", [b"\0/tmp/x,y"]),
        ("tcp:host=localhost,port=1;unix:path=/a;unix:path=/b", [b"/a", b"/b"]),
    ],
)
def test_addresses_become_what_connect_takes(address: str, targets: list[bytes]) -> None:
    assert candidates(address) == targets


@pytest.mark.parametrize("address", ["", "tcp:host=localhost,port=1", "unix:dir=/tmp", "unix:path"])
def test_an_address_without_a_unix_socket_is_refused(address: str) -> None:
    with pytest.raises(BadAddress, match="cannot use bus address"):
        candidates(address)


async def test_an_abstract_socket_is_reached() -> None:
    with rigs.daemon(listen=f"unix:abstract=exod-test-{os.getpid()}") as daemon:
        assert "abstract" in daemon.address
        async with rigs.client(f"unix:path=/nowhere;{daemon.address}") as client:
            assert client.name.startswith(":")
