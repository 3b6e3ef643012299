"""The shipped XML is what the live objects say, and a plugin's manifest becomes an interface."""

from xml.etree import ElementTree

import pytest

from exod.dbus import introspect
from exod.dbus.introspect import MANAGE, SHIPPED, parse, shipped, source, split
from exod.names import ROOT_PATH, instance_path, job_path, plugin_path
from exod.supervisor.requests import Request, Verb
from tests.exod.dbus.fake import GREETER, instance_view, plugin_view
from tests.exod.dbus.rig import Client, Rig

INTROSPECTABLE = "org.freedesktop.DBus.Introspectable"


async def live(client: Client, path: str) -> str:
    [xml] = await client.call("Introspect", path=path, interface=INTROSPECTABLE)
    return str(xml)


@pytest.mark.parametrize("name", SHIPPED)
async def test_the_shipped_file_equals_the_live_object(name: str, rig: Rig, client: Client) -> None:
    rig.supervisor.plugins["hello"] = plugin_view("hello")
    rig.supervisor.instances[7] = instance_view(7, "hello")
    rig.face.plugin("hello")
    rig.face.instance(7)
    rig.face.flush()
    [job] = await client.call("Start", path=plugin_path("hello"), interface="org.exoos.Exod1.Plugin")
    paths = dict(zip(SHIPPED, (ROOT_PATH, plugin_path("hello"), instance_path(7), job), strict=True))
    [found] = [one for one in parse(await live(client, paths[name])) if one.name == name]
    [ours] = parse(source(name))
    assert found == ours
    named = [[one.attrib for one in interface.element.iter("arg")] for interface in (found, ours)]
    assert named[0] == named[1]
    assert rig.supervisor.requests[0].verb is Verb.START
    assert isinstance(rig.supervisor.requests[0], Request)
    assert job == job_path(1)


async def test_the_tree_can_be_walked_from_the_top(rig: Rig, client: Client) -> None:
    rig.supervisor.plugins["my-plugin"] = plugin_view("my-plugin")
    rig.face.plugin("my-plugin")
    rig.face.flush()
    seen, path = [], "/"
    for expected in ("org", "exoos", "Exod1", "plugin", "my_plugin"):
        names = [one.get("name") for one in ElementTree.fromstring(await live(client, path)).findall("node")]
        assert expected in names
        path = f"{path.rstrip('/')}/{expected}"
        seen.append(expected)
    assert "org.exoos.Exod1.Plugin" in await live(client, path)


async def test_only_the_root_has_the_object_manager(rig: Rig, client: Client) -> None:
    rig.supervisor.plugins["hello"] = plugin_view("hello")
    rig.face.plugin("hello")
    rig.face.flush()
    assert "ObjectManager" in await live(client, ROOT_PATH)
    assert "ObjectManager" not in await live(client, plugin_path("hello"))


def test_a_method_without_an_access_rule_needs_the_right_to_manage_plugins() -> None:
    rules = {(name, one.name): one.access for name in SHIPPED for one in shipped(name).methods.values()}
    private = {("Plugin", "GetConfig"), ("Plugin", "GetLogs"), ("Manager", "ListAudit"), ("Manager", "ReadAudit")}
    open_ = {
        ("Plugin", "GetInfo"),
        ("Job", "Cancel"),
        *(("Manager", one) for one in ("Find", "ListByType", "ListLoaded", "ListTrust", "ListUsage", "ListLinks")),
        *(("Manager", one) for one in ("CheckCapability", "CheckDependencies")),
    }
    for (interface, method), rule in rules.items():
        key = (interface.rpartition(".")[2], method)
        if key in open_:
            assert rule == "any"
        elif key in private:
            assert rule == "polkit:org.exoos.exod1.read-private"
        elif method == "RecoverTrust":
            assert rule == "polkit:org.exoos.exod1.recover-trust"
        elif method == "Repairing":
            assert rule == "root"
        else:
            assert rule == MANAGE


def test_a_service_of_a_manifest_becomes_an_interface() -> None:
    interface = introspect.of_service(GREETER)
    assert (interface.methods["Pair"].gives, interface.methods["Add"].takes) == ("sa{sv}", "ii")
    assert interface.signals["Greeted"].signature == "s"
    assert interface.properties["Mood"].access == "readwrite"
    [again] = parse(introspect.node([interface]))
    assert again == interface


@pytest.mark.parametrize(
    ("signature", "types"),
    [("", []), ("si", ["s", "i"]), ("a{sv}aai(s(ii))", ["a{sv}", "aai", "(s(ii))"])],
)
def test_signatures_are_split_into_complete_types(signature: str, types: list[str]) -> None:
    assert split(signature) == types
