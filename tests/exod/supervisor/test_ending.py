"""A clean end: everybody is asked, nobody is waited for too long."""

import asyncio

import pytest

from tests.simulation.house import House, played
from tests.simulation.packages import Kit


@played
async def test_running_plugins_are_asked_to_stop_all_at_once(house: House) -> None:
    for name in ("a", "b", "c"):
        await house.load(Kit(name, behaviour={"stop": "slow"}))
    heard = [process.heard for process in house.host.processes.values()]
    start = house.loop.time()
    await house.supervisor.stop()
    assert [one[-1] for one in heard] == ["stop"] * 3
    assert house.loop.time() - start < 10


@pytest.mark.parametrize("conduct", ["hang", "refuse", "crash"])
@played
async def test_a_plugin_that_will_not_stop_is_ended(house: House, conduct: str) -> None:
    await house.load(Kit(behaviour={"stop": conduct}))
    await house.supervisor.stop()
    assert house.host.processes == {}


@played
async def test_a_load_under_way_is_abandoned_and_cleared_at_the_next_start(house: House) -> None:
    house.supervisor.submit(house.request("load", kit=Kit(behaviour={"hello": "hang"})))
    await asyncio.sleep(1)
    await house.supervisor.stop()
    assert house.host.processes == {}
    await house.boot()
    assert (house.disk.plugins, house.disk.packages) == ({}, {})


@played
async def test_a_disk_that_fails_at_the_end_leaves_the_rest_to_the_next_start(house: House) -> None:
    await house.load()
    house.fate.fail = lambda name: "drop_instance" in name
    await house.supervisor.stop()
    assert set(house.disk.instances) == {1}
    supervisor = await house.boot()
    assert supervisor.plugins["hello"].state_name == "running"


@played
async def test_a_suspended_plugin_is_not_woken_for_the_end(house: House) -> None:
    await house.load()
    await house.do("suspend", "hello")
    heard = house.host.processes[1].heard
    await house.supervisor.stop()
    assert heard[-1] == "suspend"
