"""THREATS 52: the bus lost, restarted or slow; floods that starve everything else; bursts that fill the socket."""

import asyncio
import os
import signal
import time

import pytest

from exod.dbus import Caps, reconnect
from exod.dbus.codec import CALL, Outgoing
from exod.names import BUS_NAME, ROOT_PATH
from tests.exod.dbus import rig as rigs
from tests.exod.dbus.fake import GREETER
from tests.exod.dbus.polkits import NEWS

PEER = "org.freedesktop.DBus.Peer"


@pytest.fixture
def bus():
    with rigs.daemon() as daemon:
        yield daemon


async def test_a_bus_that_restarts_finds_the_name_again_each_time(bus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconnect, "_FIRST_PAUSE", 0.01)
    async with rigs.serving(bus) as rig:
        for losses in (1, 2, 3):
            bus.stop()
            bus.start()
            async with rigs.client(rig.address) as client:
                await rigs.owned(client, BUS_NAME)
                assert await client.call("ListLoaded") == [[]]
            assert rig.bus._link.losses == losses


async def test_a_bus_that_stands_still_blocks_nothing_and_loses_no_reply(bus) -> None:
    async with rigs.serving(bus) as rig, rigs.client(rig.address) as client:
        rig.face.offer("hello", [GREETER])
        assert bus.process
        assert rig.bus.wire
        ping = Outgoing(CALL, "/", PEER, "Ping", destination=BUS_NAME)
        os.kill(bus.process.pid, signal.SIGSTOP)
        try:
            with pytest.raises(TimeoutError):
                await rig.bus.wire.call(ping, returns="", deadline=0.05)
            started = time.monotonic()
            for _ in range(2000):
                rig.bus._dispatcher.emit("/", "a.b", "C", "s", ["x" * 8000])
            assert time.monotonic() - started < 5
            assert rig.bus.wire.signals_dropped > 0
        finally:
            os.kill(bus.process.pid, signal.SIGCONT)
        assert await client.call("Ping", interface=PEER) == []
        assert rig.bus._link.losses == 0


async def test_a_burst_of_signals_to_a_full_socket_keeps_the_connection(bus) -> None:
    """20,000 signals cost either library its name on the bus."""
    async with rigs.serving(bus) as rig, rigs.client(rig.address) as client:
        for _ in range(20_000):
            rig.bus._dispatcher.emit(ROOT_PATH, "a.b", "Burst", "s", ["x" * 500])
        assert await client.call("Ping", interface=PEER) == []
        assert rig.bus._link.losses == 0


async def test_a_flood_starves_neither_descriptors_nor_timers(bus) -> None:
    """A pipe stands for a pidfd or a channel: it is read within a few turns however much the bus has to say."""
    async with rigs.serving(bus, caps=Caps(rate=1e9, burst=1e9)) as rig:
        async with rigs.client_as(rig.address, NEWS) as flooder:
            ping = Outgoing(CALL, ROOT_PATH, PEER, "Ping", destination=BUS_NAME)
            for _ in range(4000):
                flooder.wire.send(ping)
            loop = asyncio.get_running_loop()
            ours, theirs = os.pipe()
            delays = []
            for _ in range(20):
                heard = loop.create_future()
                loop.add_reader(ours, lambda heard=heard: heard.done() or heard.set_result(os.read(ours, 1)))
                started = time.perf_counter()
                os.write(theirs, b"x")
                await heard
                delays.append(time.perf_counter() - started)
            loop.remove_reader(ours)
            os.close(ours)
            os.close(theirs)
        assert sorted(delays)[10] < 0.05
