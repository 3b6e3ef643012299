"""One dbus-daemon for the whole room; a face, a fake supervisor and a client for each test."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.exod.dbus import rig as rigs
from tests.exod.dbus.rig import Client, Daemon, Rig


@pytest.fixture(scope="session")
def bus_daemon() -> Iterator[Daemon]:
    with rigs.daemon() as daemon:
        yield daemon


@pytest.fixture
async def rig(bus_daemon: Daemon) -> AsyncIterator[Rig]:
    async with rigs.serving(bus_daemon) as made:
        yield made


@pytest.fixture
async def client(rig: Rig) -> AsyncIterator[Client]:
    async with rigs.client(rig.address) as made:
        yield made
