"""A bus that is lost comes back, and with it the name and every object."""

import asyncio

import pytest

from exod.dbus import NameTaken, reconnect
from exod.dbus.wire import BusLost
from exod.names import BUS_NAME, plugin_path
from tests.exod.dbus import rig as rigs
from tests.exod.dbus.fake import GREETER, plugin_view
from tests.exod.dbus.rig import PLUGIN, Daemon, Rig


@pytest.fixture
def mortal_daemon():
    with rigs.daemon() as daemon:
        yield daemon


async def test_after_the_bus_died_everything_is_there_again(
    mortal_daemon: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconnect, "_FIRST_PAUSE", 0.01)
    async with rigs.serving(mortal_daemon) as rig:
        rig.supervisor.plugins["hello"] = plugin_view("hello")
        rig.face.plugin("hello")
        rig.face.offer("hello", [GREETER])
        rig.face.flush()
        assert rig.bus.wire
        dead = rig.bus.wire
        mortal_daemon.stop()
        await asyncio.wait_for(asyncio.shield(dead.lost), 10)
        await rigs.until(lambda: rig.bus.wire is None)
        rig.face.emit("hello", "greeter", "Greeted", ["into the void"])
        rig.supervisor.plugins["hello"] = plugin_view("hello", version="2.0.0")
        rig.face.plugin("hello")
        mortal_daemon.start()
        async with rigs.client(rig.address) as client:
            await rigs.owned(client, BUS_NAME)
            assert await client.get(plugin_path("hello"), PLUGIN, "Version") == "2.0.0"
        assert rig.bus._link.losses == 1


async def test_the_name_of_another_is_not_taken(rig: Rig) -> None:
    with pytest.raises(NameTaken):
        async with rigs.serving(rig.daemon):
            raise AssertionError("two may not serve")


async def test_a_name_taken_in_the_meantime_is_asked_for_again(
    mortal_daemon: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconnect, "_FIRST_PAUSE", 0.01)
    async with rigs.serving(mortal_daemon) as rig:
        refusals: list[object] = []
        real = rig.bus._link._request

        async def request(wire) -> None:
            if len(refusals) < 2:
                refusals.append(wire)
                raise NameTaken("another process does")
            await real(wire)

        monkeypatch.setattr(rig.bus._link, "_request", request)
        mortal_daemon.stop()
        mortal_daemon.start()
        async with rigs.client(rig.address) as client:
            await rigs.owned(client, BUS_NAME)
        assert len(refusals) == 2


async def test_without_a_connection_there_is_no_name(bus_daemon: Daemon) -> None:

    link = reconnect.Link("unix:path=/x", name="a.b", receive=print, up=print, down=print)
    with pytest.raises(BusLost):
        await link.own_name()
    await link.close()
