"""The face as a whole, with other people's clients: busctl, gdbus, and GLib's object manager."""

import asyncio
import json
import os

from exod.names import BUS_NAME, ROOT_PATH, plugin_path, service_path
from tests.exod.dbus.fake import GREETER, plugin_view
from tests.exod.dbus.rig import PLUGIN, Daemon, Rig, serving

_GLIB_CLIENT = """
import json, sys
from gi.repository import Gio, GLib
flags = Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION
connection = Gio.DBusConnection.new_for_address_sync(sys.argv[1], flags, None, None)
name, root = "org.exoos.Exod1", "/org/exoos/Exod1"
manager = Gio.DBusObjectManagerClient.new_sync(connection, 0, name, root, None, None, None)
seen, loop = [], GLib.MainLoop()
def note(*what):
    seen.append(what)
    if what[0] == "removed":
        loop.quit()
manager.connect("object-added", lambda _, one: note("added", one.get_object_path()))
manager.connect("object-removed", lambda _, one: note("removed", one.get_object_path()))
changes = "interface-proxy-properties-changed"
manager.connect(changes, lambda _, one, proxy, changed, __: note("changed", changed.unpack()))
before = [one.get_object_path() for one in manager.get_objects()]
def go():
    connection.call_sync(name, root, name + ".Manager", "Reload", None, None, 0, 5000, None)
GLib.idle_add(go)
GLib.timeout_add_seconds(10, loop.quit)
loop.run()
print(json.dumps([before, seen]))
"""


async def run(*command: str) -> str:
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, env={"PATH": os.environ["PATH"]}
    )
    async with asyncio.timeout(20):
        output, _ = await process.communicate()
    assert process.returncode == 0, output
    return output.decode()


def show_hello(rig: Rig) -> None:
    rig.supervisor.plugins["hello"] = plugin_view("hello")
    rig.face.plugin("hello")
    rig.face.offer("hello", [GREETER])
    rig.face.flush()


async def test_busctl_reads_calls_and_walks(rig: Rig) -> None:
    show_hello(rig)
    rig.supervisor.answers["Greet"] = ["hello you"]
    busctl = ("busctl", f"--address={rig.address}")
    path, service = plugin_path("hello"), service_path("hello", "greeter")
    got, called, tree, shown = await asyncio.gather(
        run(*busctl, "get-property", BUS_NAME, path, PLUGIN, "StateName"),
        run(*busctl, "call", BUS_NAME, service, GREETER.interface, "Greet", "s", "you"),
        run(*busctl, "tree", "--list", BUS_NAME),
        run(*busctl, "introspect", BUS_NAME, path),
    )
    assert (got, called) == ('s "running"\n', 's "hello you"\n')
    assert {path, service, ROOT_PATH} <= set(tree.split())
    assert ".GetInfo" in shown
    assert ".TrustLevel" in shown


async def test_gdbus_introspects_and_calls(rig: Rig) -> None:
    show_hello(rig)
    target = ("--address", rig.address, "--dest", BUS_NAME, "--object-path")
    called, shown = await asyncio.gather(
        run("gdbus", "call", *target, ROOT_PATH, "--method", f"{BUS_NAME}.Manager.Find", "hello"),
        run("gdbus", "introspect", *target, ROOT_PATH, "--recurse"),
    )
    assert called == f"(objectpath '{plugin_path('hello')}',)\n"
    assert "interface org.exoos.Hello1 {" in shown
    assert "readonly s StateName = 'running';" in shown


async def test_glibs_object_manager_client_follows(rig: Rig) -> None:
    show_hello(rig)

    async def reload() -> list[str]:
        face, plugins = rig.face, rig.supervisor.plugins
        plugins["new"] = plugin_view("new")
        face.plugin("new")
        face.flush()
        plugins["hello"] = plugin_view("hello", state_name="suspended")
        face.plugin("hello")
        face.flush()
        del plugins["new"]
        face.plugin("new")
        return []

    rig.supervisor.reload = reload  # type: ignore[method-assign]
    before, seen = json.loads(await run("/usr/bin/python3", "-c", _GLIB_CLIENT, rig.address))
    assert sorted(before) == sorted([plugin_path("hello"), service_path("hello", "greeter")])
    assert seen == [
        ["added", plugin_path("new")],
        ["changed", {"StateName": "suspended"}],
        ["removed", plugin_path("new")],
    ]


async def test_it_may_be_closed_twice_and_early(bus_daemon: Daemon) -> None:
    async with serving(bus_daemon) as rig:
        await rig.bus.close()
