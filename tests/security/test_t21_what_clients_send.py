"""THREATS 21: paths instead of descriptors, wrong types, property writes, huge arrays, floods of calls and matches."""

import asyncio
import time

import pytest

from exod.dbus import Caps
from exod.dbus.codec import CALL, Outgoing, Variant
from exod.dbus.introspect import SHIPPED, shipped, split
from exod.names import BUS_NAME, ROOT_PATH, plugin_path
from tests.exod.dbus import rig as rigs
from tests.exod.dbus.fake import plugin_view
from tests.exod.dbus.polkits import NEWS
from tests.exod.dbus.rig import MANAGER, PLUGIN, PROPERTIES, Failed

PEER = "org.freedesktop.DBus.Peer"


@pytest.fixture(scope="module")
def bus():
    with rigs.daemon() as daemon:
        yield daemon


@pytest.mark.parametrize("member", ["Load", "Install", "Validate", "PlanPackage"])
async def test_a_path_is_never_taken_for_a_package(bus, member: str) -> None:
    async with rigs.serving(bus) as rig, rigs.client(rig.address) as client:
        method = shipped(MANAGER).methods[member]
        signature = method.takes.replace("h", "s")
        body = [{"s": "/etc/shadow", "a{sv}": {}}[one] for one in split(signature)]
        with pytest.raises(Failed, match=r"InvalidArgs.*takes \("):
            await client.call(member, signature, body)
        assert rig.supervisor.requests == []


async def test_no_property_of_the_daemon_can_be_written_by_anybody(bus) -> None:
    assert [one.name for name in SHIPPED for one in shipped(name).properties.values() if one.access != "read"] == []
    async with rigs.serving(bus) as rig, rigs.client(rig.address) as root:
        rig.supervisor.plugins["hello"] = plugin_view("hello")
        rig.face.plugin("hello")
        rig.face.flush()
        for path, interface, name in ((ROOT_PATH, MANAGER, "Mode"), (plugin_path("hello"), PLUGIN, "Enabled")):
            with pytest.raises(Failed, match="PropertyReadOnly"):
                await root.call("Set", "ssv", [interface, name, Variant("s", "x")], path=path, interface=PROPERTIES)


async def test_a_huge_array_to_an_open_method_costs_the_loop_nothing(bus) -> None:
    """4 MiB of variants kept a bus library busy for 1.7 s; here the body is skipped."""
    body = [[Variant("y", 1)] * (1 << 18)]
    message = Outgoing(CALL, ROOT_PATH, PEER, "Ping", destination=BUS_NAME, signature="av", body=body).pack(9)
    async with rigs.serving(bus) as rig, rigs.client_as(rig.address, NEWS) as client:
        client.wire._out.append(memoryview(message))
        client.wire._queued += len(message)
        answer = client.wire._waiting[9] = asyncio.get_running_loop().create_future()
        used = time.process_time()
        client.wire._flush()
        async with asyncio.timeout(20):
            header = await answer
        assert header.error == "org.freedesktop.DBus.Error.LimitsExceeded"
        assert time.process_time() - used < 0.5


async def test_a_flood_of_calls_is_refused_and_the_polite_are_served(bus) -> None:
    async with rigs.serving(bus, caps=Caps(rate=1, burst=50)) as rig:
        async with rigs.client_as(rig.address, NEWS) as flooder, rigs.client(rig.address) as polite:
            calls = [asyncio.ensure_future(flooder.call("Ping", interface=PEER)) for _ in range(300)]
            for _ in range(20):
                assert await polite.call("Ping", interface=PEER) == []
            results = await asyncio.gather(*calls, return_exceptions=True)
        refused = [one for one in results if isinstance(one, Failed) and "LimitsExceeded" in one.name]
        assert len(refused) >= 240


async def test_a_client_with_many_matches_costs_exod_one_message_a_signal(bus) -> None:
    async with rigs.serving(bus) as rig, rigs.client_as(rig.address, NEWS) as client:
        for number in range(100):
            await client.listen(f"type='signal',sender='{BUS_NAME}',arg0='{number}'")
        await client.listen()
        rig.supervisor.plugins["hello"] = plugin_view("hello")
        assert rig.bus.wire
        before = rig.bus.wire._serial
        rig.face.plugin("hello")
        await client.signal("InterfacesAdded")
        assert rig.bus.wire._serial == before + 1


async def test_only_root_may_own_the_name(bus) -> None:
    async with rigs.client_as(bus.address, NEWS) as client:
        with pytest.raises(Failed, match="AccessDenied"):
            await client.call(
                "RequestName",
                "su",
                [BUS_NAME, 4],
                path="/org/freedesktop/DBus",
                interface="org.freedesktop.DBus",
                to="org.freedesktop.DBus",
            )
