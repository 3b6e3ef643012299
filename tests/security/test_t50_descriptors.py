"""THREATS 50: descriptors on any message, handled or not, method, reply or signal: none remains after a thousand."""

import asyncio
import os
import socket

import pytest

from exod.dbus.codec import CALL, ERROR, RETURN, SIGNAL, Outgoing
from exod.names import BUS_NAME, ROOT_PATH
from tests.exod.dbus import rig as rigs
from tests.exod.dbus.rig import MANAGER, Client, Failed, Rig, with_descriptors

PEER = "org.freedesktop.DBus.Peer"
ROUNDS = 250


def open_here() -> int:
    return len(os.listdir("/proc/self/fd"))


@pytest.fixture(scope="module")
def careless_bus():
    """One whose policy does not keep descriptors away, as exod's shipped one does."""
    with rigs.daemon(shipped=False) as daemon:
        yield daemon


async def test_none_of_a_thousand_calls_with_descriptors_remains(careless_bus) -> None:
    async with rigs.serving(careless_bus) as rig, rigs.client(rig.address) as client:
        before = open_here()
        for member, interface, signature, body in (
            ("Ping", PEER, "", []),
            ("Nope", MANAGER, "", []),
            ("Reload", MANAGER, "", []),
            ("Load", MANAGER, "ha{sv}", [0, {}]),
        ):
            for _ in range(ROUNDS):
                with pytest.raises(Failed):
                    await client.call(member, signature, body, interface=interface, fds=[0, 0, 0])
        await rigs.until(lambda: open_here() <= before)


async def test_signals_and_replies_with_descriptors_leave_none(careless_bus) -> None:
    async with rigs.serving(careless_bus) as rig, rigs.client(rig.address) as client:
        before = open_here()
        to = BUS_NAME
        signal = Outgoing(SIGNAL, ROOT_PATH, "a.b", "C", destination=to)
        for _ in range(ROUNDS):
            await send(client, signal)
        for kind, error in ((RETURN, ""), (ERROR, "a.b.C")):
            for serial in range(1, 20):
                await send(client, Outgoing(kind, error=error, reply_to=serial, destination=to))
        await client.call("Ping", interface=PEER)
        await rigs.until(lambda: open_here() <= before)
        assert rig.bus._link.losses == 0


async def send(client: Client, message: Outgoing) -> None:
    client.wire._serial += 1
    data = with_descriptors(message.pack(client.wire._serial), 2)
    while True:
        try:
            assert socket.send_fds(client.wire._end, [data], [0, 0]) == len(data)
        except BlockingIOError:
            await asyncio.sleep(0)
        else:
            return


async def test_an_answer_we_waited_for_may_not_leave_one_either(careless_bus) -> None:
    async with rigs.serving(careless_bus) as rig:
        assert rig.bus.wire
        before = open_here()
        queue: asyncio.Queue = asyncio.Queue()
        async with rigs.client(rig.address) as peer:
            peer.wire._on_message = queue.put_nowait
            message = Outgoing(CALL, "/", "a.b", "C", destination=peer.name)
            calling = asyncio.ensure_future(rig.bus.wire.call(message, returns=""))
            while (header := await queue.get()).member != "C":
                pass
            await send(peer, Outgoing(RETURN, reply_to=header.serial, destination=header.sender))
            assert await calling == []
        await rigs.until(lambda: open_here() <= before)


async def test_the_shipped_policy_keeps_them_away_from_all_but_four_methods() -> None:
    with rigs.daemon() as daemon:
        async with rigs.serving(daemon) as rig, rigs.client(rig.address) as client:
            for member, interface in (("Ping", PEER), ("Reload", MANAGER), ("Find", MANAGER)):
                with pytest.raises(Failed, match="AccessDenied"):
                    await client.call(member, interface=interface, fds=[0])
            with pytest.raises(Failed, match="AccessDenied"):
                await client.call("Validate", "h", [0], fds=[0, 0])
            assert await validate(rig, client)


async def validate(rig: Rig, client: Client) -> bool:
    file = os.memfd_create("package")
    try:
        [context] = await client.call("Validate", "h", [0], fds=[file])
    finally:
        os.close(file)
    return bool(context["accepted"].value)
