"""Plugin objects: each verb is a job, and what is private stays so."""

import pytest

from exod.names import instance_path, job_path, plugin_path
from tests.exod.dbus.fake import plugin_view
from tests.exod.dbus.rig import PLUGIN, PROPERTIES, Client, Failed, Rig, variants

PATH = plugin_path("hello-world")


@pytest.fixture(autouse=True)
async def hello(rig: Rig) -> None:
    rig.supervisor.plugins["hello-world"] = plugin_view("hello-world")
    rig.face.plugin("hello-world")
    rig.face.flush()


@pytest.mark.parametrize("verb", ["Unload", "Start", "Stop", "Suspend", "Resume", "Enable", "Disable"])
async def test_each_verb_is_a_job(rig: Rig, client: Client, verb: str) -> None:
    assert await client.call(verb, path=PATH, interface=PLUGIN) == [job_path(1)]
    [request] = rig.supervisor.requests
    assert (request.verb, request.plugin) == (verb.lower(), "hello-world")


async def test_load_takes_the_options_of_an_installed_plugin_only(rig: Rig, client: Client) -> None:
    await client.call("Load", "a{sv}", [variants(version="1.0.0", start=True)], path=PATH, interface=PLUGIN)
    assert rig.supervisor.requests[0].options == {"version": "1.0.0", "start": True}
    with pytest.raises(Failed, match="unknown-option"):
        await client.call("Load", "a{sv}", [variants(downgrade=True)], path=PATH, interface=PLUGIN)


async def test_configure_passes_the_values_on(rig: Rig, client: Client) -> None:
    await client.call("Configure", "a{sv}", [variants(interval=5, name="x")], path=PATH, interface=PLUGIN)
    assert rig.supervisor.requests[0].options == {"values": {"interval": 5, "name": "x"}}


async def test_what_is_known_is_told(client: Client) -> None:
    [info] = await client.call("GetInfo", path=PATH, interface=PLUGIN)
    assert (info["name"].value, info["metadata"].signature, info["limits"].signature) == (
        "hello-world",
        "a{ss}",
        "a{sv}",
    )
    [config] = await client.call("GetConfig", path=PATH, interface=PLUGIN)
    assert {name: value.value for name, value in config.items()}["secret"] == "s3cret"
    [log] = await client.call("GetLogs", "u", [2], path=PATH, interface=PLUGIN)
    assert log == ["two\ufffdthree", "four"]


async def test_the_instance_is_an_object_or_none(rig: Rig, client: Client) -> None:
    assert await client.get(PATH, PLUGIN, "Instance") == instance_path(7)
    rig.supervisor.plugins["hello-world"] = plugin_view("hello-world", instance=0)
    assert await client.get(PATH, PLUGIN, "Instance") == "/"


async def test_a_plugin_that_just_went_is_unknown(rig: Rig, client: Client) -> None:
    del rig.supervisor.plugins["hello-world"]
    with pytest.raises(Failed, match="UnknownObject"):
        await client.get(PATH, PLUGIN, "Version")


async def test_nothing_of_it_can_be_written(client: Client) -> None:
    value = variants(x=True)["x"]
    with pytest.raises(Failed, match="PropertyReadOnly"):
        await client.call("Set", "ssv", [PLUGIN, "Enabled", value], path=PATH, interface=PROPERTIES)
