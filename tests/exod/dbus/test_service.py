"""Services of plugins: called by who may, answered with what was declared, or not at all."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from exod.dbus import face as faces
from exod.dbus.service import problem
from exod.errors import Outcome, Refusal, Refused
from exod.names import service_path
from exod.package.services import Method, Property, Service, Signal
from tests.exod.dbus import rig as rigs
from tests.exod.dbus.fake import GREETER
from tests.exod.dbus.polkits import NEWS
from tests.exod.dbus.rig import PROPERTIES, Client, Failed, Rig, variants

PATH = service_path("hello", "greeter")
INTERFACE = GREETER.interface


@pytest.fixture
async def greeter(rig: Rig) -> Rig:
    rig.face.offer("hello", [GREETER])
    return rig


@pytest.fixture
async def locked(rig: Rig) -> Rig:
    rig.face.offer("hello", [replace(GREETER, access="root")])
    return rig


@pytest.fixture
async def stranger(rig: Rig) -> AsyncIterator[Client]:
    async with rigs.client_as(rig.address, NEWS) as made:
        yield made


async def call(client: Client, member: str, signature: str = "", body: Any = ()) -> list[Any]:
    return await client.call(member, signature, body, path=PATH, interface=INTERFACE)


async def test_a_call_reaches_the_plugin_with_who_called(greeter: Rig, stranger: Client) -> None:
    greeter.supervisor.answers["Greet"] = lambda name: [f"hello {name}"]
    assert await call(stranger, "Greet", "s", ["you"]) == ["hello you"]
    [(plugin, service, method, arguments, caller)] = greeter.supervisor.called
    assert (plugin, service, method, arguments) == ("hello", "greeter", "Greet", ["you"])
    assert (caller.name, caller.uid) == (stranger.name, NEWS)


async def test_answers_have_the_declared_shape(greeter: Rig, client: Client) -> None:
    greeter.supervisor.answers |= {"Pair": ["x", {"a": 1, "b": ["c"]}], "Rest": []}
    [text, values] = await call(client, "Pair")
    assert (text, values["a"].value, values["b"].signature) == ("x", 1, "as")
    assert await call(client, "Rest") == []


@pytest.mark.parametrize("answer", [["a\0b"], ["\ud800"], [5], [], ["a", "b"], ["x" * (300 << 10)], [None]])
async def test_an_answer_that_was_not_declared_is_an_error_and_a_strike(
    greeter: Rig, client: Client, answer: list[Any]
) -> None:
    greeter.supervisor.answers["Greet"] = answer
    with pytest.raises(Failed, match="bad-answer"):
        await call(client, "Greet", "s", ["you"])
    [(plugin, reason)] = greeter.supervisor.strikes
    assert plugin == "hello"
    assert "Greet of greeter" in reason
    greeter.supervisor.answers["Greet"] = ["fine"]
    assert await call(client, "Greet", "s", ["you"]) == ["fine"]


async def test_a_refusal_of_the_supervisor_comes_through(greeter: Rig, client: Client) -> None:
    gone = Refusal("instance-lost", "cannot call Greet: the instance is gone", outcome=Outcome.FAILED)
    greeter.supervisor.answers["Greet"] = Refused(gone)
    with pytest.raises(Failed, match="instance-lost"):
        await call(client, "Greet", "s", ["you"])
    assert greeter.supervisor.strikes == []


@pytest.mark.parametrize(
    ("signature", "body"), [("i", [1]), ("", []), ("ss", ["a", "b"]), ("v", [variants(x="a")["x"]])]
)
async def test_what_a_client_sends_wrongly_is_no_strike(
    greeter: Rig, client: Client, signature: str, body: list[Any]
) -> None:
    with pytest.raises(Failed, match="InvalidArgs"):
        await call(client, "Greet", signature, body)
    assert (greeter.supervisor.called, greeter.supervisor.strikes) == ([], [])


async def test_who_may_not_call_is_refused_before_the_plugin_hears_of_it(locked: Rig, stranger: Client) -> None:
    with pytest.raises(Failed, match="not-authorized"):
        await call(stranger, "Greet", "s", ["you"])
    for member, signature, body in (("Get", "ss", [INTERFACE, "Count"]), ("GetAll", "s", [INTERFACE])):
        with pytest.raises(Failed, match="not-authorized"):
            await stranger.call(member, signature, body, path=PATH, interface=PROPERTIES)
    value = variants(x="wild")["x"]
    with pytest.raises(Failed, match="not-authorized"):
        await stranger.call("Set", "ssv", [INTERFACE, "Mood", value], path=PATH, interface=PROPERTIES)
    assert locked.supervisor.called == []
    assert locked.supervisor.properties["Mood"] == "calm"
    assert len(locked.supervisor.refusals) == 4


async def test_properties_are_read_and_written_through_the_supervisor(greeter: Rig, client: Client) -> None:
    assert await client.get(PATH, INTERFACE, "Count") == 3
    [values] = await client.call("GetAll", "s", [INTERFACE], path=PATH, interface=PROPERTIES)
    assert {name: value.value for name, value in values.items()} == {"Count": 3, "Mood": "calm"}
    await client.call("Set", "ssv", [INTERFACE, "Mood", variants(x="wild")["x"]], path=PATH, interface=PROPERTIES)
    assert greeter.supervisor.properties["Mood"] == "wild"


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [("Mood", 5, "InvalidArgs"), ("Count", 5, "PropertyReadOnly"), ("Nope", 5, "UnknownProperty")],
)
async def test_property_writes_that_do_not_fit(greeter: Rig, client: Client, name: str, value: Any, error: str) -> None:
    with pytest.raises(Failed, match=error):
        await client.call("Set", "ssv", [INTERFACE, name, variants(x=value)["x"]], path=PATH, interface=PROPERTIES)
    assert greeter.supervisor.strikes == []


async def test_a_property_of_the_wrong_type_is_a_strike(greeter: Rig, client: Client) -> None:
    greeter.supervisor.properties["Count"] = "many"
    with pytest.raises(Failed, match="bad-answer"):
        await client.get(PATH, INTERFACE, "Count")
    assert len(greeter.supervisor.strikes) == 1


async def test_signals_of_an_open_service_reach_everybody(greeter: Rig, stranger: Client) -> None:
    await stranger.listen()
    greeter.face.emit("hello", "greeter", "Greeted", ["you"])
    signal = await stranger.signal("Greeted")
    assert (signal.path, signal.interface, signal.body()) == (PATH, INTERFACE, ["you"])


async def test_signals_of_others_go_to_those_who_were_let_in(locked: Rig, client: Client, stranger: Client) -> None:
    await stranger.listen()
    await client.get(PATH, INTERFACE, "Count")
    locked.face.emit("hello", "greeter", "Greeted", ["you"])
    locked.face.changed("hello", "greeter", {"Count": 4})
    assert (await client.signal("Greeted")).body() == ["you"]
    assert (await client.signal("PropertiesChanged")).body()[1]["Count"].value == 4
    await stranger.call("Ping", interface="org.freedesktop.DBus.Peer")
    assert [one.member for one in list(stranger.signals._queue)] in ([], ["NameAcquired"])  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("signal", "arguments"), [("Greeted", [5]), ("Greeted", ["a\0"]), ("Nope", []), ("Greeted", [])]
)
async def test_a_signal_that_was_not_declared_is_a_strike_and_not_sent(
    greeter: Rig, client: Client, signal: str, arguments: list[Any]
) -> None:
    await client.listen()
    greeter.face.emit("hello", "greeter", signal, arguments)
    greeter.face.emit("hello", "greeter", "Greeted", ["good"])
    assert (await client.signal("Greeted")).body() == ["good"]
    assert len(greeter.supervisor.strikes) == 1


async def test_property_changes_are_gathered(greeter: Rig, client: Client, monkeypatch: Any) -> None:
    """Two signals for a thousand changes: the first change at once, the rest when the interval is over."""
    assert faces._SERVICE_INTERVAL == 1.0
    monkeypatch.setattr(faces, "_SERVICE_INTERVAL", 0.1)
    await client.listen()
    loop = asyncio.get_running_loop()
    for count in range(1000):
        greeter.face.changed("hello", "greeter", {"Count": count})
        if count == 0:
            assert (await client.signal("PropertiesChanged")).body()[1]["Count"].value == 0
            first = loop.time()
    changed = (await client.signal("PropertiesChanged")).body()
    assert changed[1]["Count"].value == 999
    assert loop.time() - first > 0.08
    greeter.face.changed("hello", "greeter", {"Count": "x", "Nope": 1, "Mood": "fine"})
    assert len(greeter.supervisor.strikes) == 2


async def test_only_so_many_listeners_are_remembered(locked: Rig, client: Client, monkeypatch: Any) -> None:
    monkeypatch.setattr("exod.dbus.service._LISTENERS_MAX", 1)
    await client.get(PATH, INTERFACE, "Count")
    async with rigs.client(locked.address) as other:
        await other.get(PATH, INTERFACE, "Count")
        facet: Any = locked.bus._dispatcher.objects[PATH]
        assert facet.listeners == (other.name,)
    locked.face.forget_callers()
    assert facet.listeners == ()


@pytest.mark.parametrize(
    ("service", "why"),
    [
        (GREETER, ""),
        (replace(GREETER, interface="org.freedesktop.DBus.Properties"), "belongs to others"),
        (replace(GREETER, interface="org.exoos.Exod1"), "belongs to others"),
        (replace(GREETER, interface="org.exoos.Exod1.Manager"), "belongs to others"),
        (replace(GREETER, interface="org.exoos.Exod1x.Manager"), "belongs to others"),
        (replace(GREETER, interface="org.exoos.Hello1"), ""),
        (replace(GREETER, interface="hello"), "interface name"),
        (replace(GREETER, methods=(Method("a b"),)), "member name"),
        (replace(GREETER, methods=(Method("A", "z"),)), "signature"),
        (replace(GREETER, methods=(Method("A", "", "h"),)), "signature"),
        (replace(GREETER, methods=(Method("A", "", "a" * 9 + "i"),)), "signature"),
        (replace(GREETER, signals=(Signal("A", "a{vs}"),)), "signature"),
        (replace(GREETER, properties=(Property("A", "ss"),)), "property type"),
        (replace(GREETER, properties=(Property("A", ""),)), "property type"),
    ],
)
def test_declarations_that_may_not_be_served(service: Service, why: str) -> None:
    assert problem(service) == why or (why and why in problem(service))
