"""Instance objects: what runs, and what it uses when somebody asks."""

import pytest

from exod.dbus.failures import Standard
from exod.dbus.instance import Instance
from exod.names import instance_path, plugin_path
from tests.exod.dbus.fake import FakeSupervisor, instance_view
from tests.exod.dbus.rig import Client, Rig

INSTANCE = "org.exoos.Exod1.Instance"


async def test_its_properties_name_the_plugin_and_read_its_use(rig: Rig, client: Client) -> None:
    rig.supervisor.instances[7] = instance_view(7, "hello")
    rig.face.instance(7)
    rig.face.flush()
    path = instance_path(7)
    assert await client.get(path, INSTANCE, "Plugin") == plugin_path("hello")
    used = {name: await client.get(path, INSTANCE, name) for name in ("Memory", "CpuTime", "CpuPercent", "Files")}
    assert used == {"Memory": 1 << 20, "CpuTime": 5, "CpuPercent": 12.5, "Files": 8}
    assert await client.get(path, INSTANCE, "Pressure") == {"memory": 0.5}
    assert (await client.get(path, INSTANCE, "Limits"))["call-time"] == 5.0
    assert await client.get(path, INSTANCE, "Walls") == {"seccomp": "2"}


def test_use_is_read_when_asked_and_never_shown_unasked() -> None:
    supervisor = FakeSupervisor(None)
    supervisor.instances[7] = instance_view(7, "hello")
    shown = Instance(supervisor.instances, 7).snapshot()
    assert {"Memory", "CpuPercent", "Pressure", "Restarts"} & set(shown) == set()


def test_one_that_has_ended_is_unknown() -> None:
    with pytest.raises(Standard, match="instance 7 is gone"):
        Instance({}, 7).view()
