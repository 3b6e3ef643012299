"""The specification's own interfaces, as every client expects them."""

import pytest

from exod.dbus import standard
from exod.dbus.failures import Standard
from exod.names import ROOT_PATH, plugin_path
from tests.exod.dbus.fake import plugin_view
from tests.exod.dbus.rig import MANAGER, PLUGIN, PROPERTIES, Client, Failed, Rig, variants

OBJECT_MANAGER = "org.freedesktop.DBus.ObjectManager"
PEER = "org.freedesktop.DBus.Peer"
HELLO = plugin_path("hello")


@pytest.fixture(autouse=True)
async def hello(rig: Rig) -> None:
    rig.supervisor.plugins["hello"] = plugin_view("hello")
    rig.face.plugin("hello")
    rig.face.flush()


async def test_all_objects_but_the_root_are_managed(client: Client) -> None:
    [objects] = await client.call("GetManagedObjects", interface=OBJECT_MANAGER)
    assert list(objects) == [HELLO]
    values = objects[HELLO][PLUGIN]
    assert (values["State"].signature, values["State"].value, values["StateName"].value) == ("u", 3, "running")
    with pytest.raises(Failed, match="UnknownInterface"):
        await client.call("GetManagedObjects", path=HELLO, interface=OBJECT_MANAGER)


async def test_what_is_gone_but_not_removed_yet_is_left_out(rig: Rig, client: Client) -> None:
    rig.supervisor.plugins["other"] = plugin_view("other")
    rig.face.plugin("other")
    rig.face.flush()
    del rig.supervisor.plugins["hello"]
    [objects] = await client.call("GetManagedObjects", interface=OBJECT_MANAGER)
    assert list(objects) == [plugin_path("other")]


async def test_properties_are_read_one_or_all(client: Client) -> None:
    assert await client.get(HELLO, PLUGIN, "Version") == "1.0.0"
    assert await client.get(HELLO, "", "Version") == "1.0.0"
    for interface in (PLUGIN, ""):
        [values] = await client.call("GetAll", "s", [interface], path=HELLO, interface=PROPERTIES)
        assert len(values) == 17
    for interface in (PEER, PROPERTIES):
        assert await client.call("GetAll", "s", [interface], path=HELLO, interface=PROPERTIES) == [{}]


@pytest.mark.parametrize(
    ("path", "member", "body", "name"),
    [
        (HELLO, "Get", [PLUGIN, "Nope"], "UnknownProperty"),
        (HELLO, "Get", [MANAGER, "Version"], "UnknownInterface"),
        (HELLO, "GetAll", [MANAGER], "UnknownInterface"),
        ("/nope", "Get", [PLUGIN, "Version"], "UnknownObject"),
        ("/nope", "GetAll", [""], "UnknownObject"),
        (HELLO, "Set", [PLUGIN, "Version", variants(x="y")["x"]], "PropertyReadOnly"),
        ("/nope", "Set", [PLUGIN, "Version", variants(x="y")["x"]], "UnknownObject"),
    ],
)
async def test_properties_that_are_not_there(
    client: Client, path: str, member: str, body: list[object], name: str
) -> None:
    signature = {"Get": "ss", "GetAll": "s", "Set": "ssv"}[member]
    with pytest.raises(Failed, match=name):
        await client.call(member, signature, body, path=path, interface=PROPERTIES)


async def test_peers_ping_anywhere_and_know_the_machine(client: Client, tmp_path, monkeypatch) -> None:
    assert await client.call("Ping", path="/any/where", interface=PEER) == []
    (tmp_path / "id").write_text("0123456789abcdef\n")
    monkeypatch.setattr(standard, "_MACHINE_ID", (tmp_path / "none", tmp_path / "id"))
    assert await client.call("GetMachineId", interface=PEER) == ["0123456789abcdef"]
    monkeypatch.setattr(standard, "_MACHINE_ID", ())
    with pytest.raises(Failed, match="FileNotFound"):
        await client.call("GetMachineId", interface=PEER)


async def test_nothing_is_said_of_places_where_nothing_is(client: Client) -> None:
    with pytest.raises(Failed, match="UnknownObject"):
        await client.call("Introspect", path="/nope", interface="org.freedesktop.DBus.Introspectable")


def test_interfaces_that_are_not_the_specifications_are_left_to_others() -> None:
    assert standard.find("a.b", "C") is None
    with pytest.raises(Standard, match="has no method"):
        standard.find(PEER, "Nope")
    assert ROOT_PATH not in standard.managed({})
