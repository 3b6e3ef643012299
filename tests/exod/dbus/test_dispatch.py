"""Calls are judged before their body is decoded, and what is wrong has the error the specification has for it."""

import asyncio
import os
import time
from collections.abc import Sequence
from typing import Any

import pytest

from exod.dbus import Caps
from exod.dbus.codec import CALL, NO_REPLY, SIGNAL, Header, Outgoing, Variant
from exod.dbus.wire import MESSAGE_MAX
from exod.names import BUS_NAME, ROOT_PATH, plugin_path
from tests.exod.dbus import rig as rigs
from tests.exod.dbus.fake import plugin_view
from tests.exod.dbus.rig import MANAGER, PLUGIN, Client, Daemon, Failed, Rig

PEER = "org.freedesktop.DBus.Peer"


@pytest.mark.parametrize(
    ("path", "interface", "member", "signature", "body", "name"),
    [
        ("/nope", MANAGER, "Find", "s", ["x"], "UnknownObject"),
        (ROOT_PATH, "a.b", "Find", "s", ["x"], "UnknownInterface"),
        (ROOT_PATH, PLUGIN, "Start", "", [], "UnknownInterface"),
        (ROOT_PATH, MANAGER, "Nope", "", [], "UnknownMethod"),
        (ROOT_PATH, "", "Nope", "", [], "UnknownMethod"),
        (ROOT_PATH, PEER, "Nope", "", [], "UnknownMethod"),
        (ROOT_PATH, MANAGER, "Find", "", [], "InvalidArgs"),
        (ROOT_PATH, MANAGER, "Find", "i", [1], "InvalidArgs"),
        (ROOT_PATH, MANAGER, "Load", "s", ["/etc/passwd"], "InvalidArgs"),
        (ROOT_PATH, PEER, "Ping", "s", ["x"], "InvalidArgs"),
    ],
)
async def test_calls_that_fit_nothing(
    client: Client, path: str, interface: str, member: str, signature: str, body: list[Any], name: str
) -> None:
    with pytest.raises(Failed) as caught:
        await client.call(member, signature, body, path=path, interface=interface)
    assert caught.value.name == f"org.freedesktop.DBus.Error.{name}"
    assert [type(value) for value in caught.value.body] == [str]


async def test_a_call_without_an_interface_finds_its_method(rig: Rig, client: Client) -> None:
    rig.supervisor.plugins["hello"] = plugin_view("hello")
    assert await client.call("Find", "s", ["hello"], interface="") == [plugin_path("hello")]


async def test_a_call_that_is_too_large_is_refused_undecoded(client: Client) -> None:
    started = time.perf_counter()
    with pytest.raises(Failed, match="LimitsExceeded"):
        await client.call("Find", "s", ["x" * MESSAGE_MAX])
    with pytest.raises(Failed, match="InvalidArgs"):
        await client.call("Find", "s", ["x" * (300 << 10)])
    assert time.perf_counter() - started < 5


async def test_arguments_nested_too_deeply_are_refused(client: Client) -> None:
    value = Variant("s", "x")
    for _ in range(12):
        value = Variant("v", value)
    with pytest.raises(Failed, match="deep"):
        await client.call("Plan", "ssa{sv}", ["start", "hello", {"x": value}])


async def test_a_call_that_wants_no_answer_gets_none(rig: Rig, client: Client) -> None:
    assert rig.bus.wire
    before = rig.bus.wire._serial
    for member in ("Nope", "ListTrust"):
        client.wire.send(Outgoing(CALL, ROOT_PATH, MANAGER, member, destination=BUS_NAME, flags=NO_REPLY))
    await client.call("Ping", interface=PEER)
    assert rig.bus.wire._serial == before + 1


async def test_our_own_bug_is_an_error_that_says_nothing(
    rig: Rig, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> Sequence[str]:
        raise RuntimeError("/etc/secret")

    monkeypatch.setattr(rig.supervisor, "list_trust", broken)
    with pytest.raises(Failed, match="internal error") as caught:
        await client.call("ListTrust")
    assert "secret" not in str(caught.value)


async def test_an_answer_of_ours_that_does_not_fit_is_our_own_bug(
    rig: Rig, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rig.supervisor, "list_trust", lambda: 5)
    with pytest.raises(Failed, match="internal error"):
        await client.call("ListTrust")


async def test_calls_in_flight_are_capped_per_sender(bus_daemon: Daemon, monkeypatch: pytest.MonkeyPatch) -> None:
    held = asyncio.Event()
    async with rigs.serving(bus_daemon, caps=Caps(in_flight=3)) as rig, rigs.client(rig.address) as client:

        async def slow() -> list[str]:
            await held.wait()
            return []

        monkeypatch.setattr(rig.supervisor, "reload", slow)
        calls = [asyncio.ensure_future(client.call("Reload")) for _ in range(5)]
        done, waiting = await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
        while len(done) < 2:
            more, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            done |= more
        assert {type(call.exception()) for call in done} == {Failed}
        async with rigs.client(rig.address) as other:
            assert await other.call("ListTrust")
        held.set()
        assert await asyncio.gather(*waiting) == [[[]], [[]], [[]]]


async def test_calls_a_second_are_capped_per_sender(bus_daemon: Daemon) -> None:
    async with rigs.serving(bus_daemon, caps=Caps(rate=0.001, burst=5)) as rig:
        async with rigs.client(rig.address) as client, rigs.client(rig.address) as other:
            for _ in range(5):
                await client.call("Ping", interface=PEER)
            with pytest.raises(Failed, match="LimitsExceeded"):
                await client.call("Ping", interface=PEER)
            assert await other.call("Ping", interface=PEER) == []


async def test_descriptors_are_closed_whatever_becomes_of_the_call() -> None:
    """Under a policy that lets them through, as other buses may."""
    with rigs.daemon(shipped=False) as daemon:
        async with rigs.serving(daemon) as rig, rigs.client(rig.address) as client:
            before = len(os.listdir("/proc/self/fd"))
            for member, interface in (("Ping", PEER), ("Nope", MANAGER), ("Reload", MANAGER), ("Find", MANAGER)):
                with pytest.raises(Failed):
                    await client.call(member, interface=interface, fds=[0, 0])
            await rigs.until(lambda: len(os.listdir("/proc/self/fd")) <= before)


async def test_what_is_no_call_or_comes_too_early_is_dropped(rig: Rig) -> None:
    dispatcher = rig.bus._dispatcher
    dispatcher.receive(Header(SIGNAL, 0, 1, 0, True, 0, sender=":1.1"))
    dispatcher.receive(Header(CALL, 0, 1, 0, True, 0))
    dispatcher.detach()
    dispatcher.receive(Header(CALL, 0, 1, 0, True, 0, sender=":1.1"))
    dispatcher.emit("/", "a.b", "C", "", [])


async def test_jobs_are_capped_per_sender(bus_daemon: Daemon) -> None:
    async with rigs.serving(bus_daemon, caps=Caps(jobs=2)) as rig, rigs.client(rig.address) as client:
        for _ in range(2):
            await client.call("Remove", "sa{sv}", ["hello", {}])
        with pytest.raises(Failed, match="LimitsExceeded"):
            await client.call("Remove", "sa{sv}", ["hello", {}])
        async with rigs.client(rig.address) as other:
            await other.call("Remove", "sa{sv}", ["hello", {}])
        rig.supervisor.jobs.pop(1)
        await client.call("Remove", "sa{sv}", ["hello", {}])
