"""Threat 28: one bad plugin never blocks the others or the daemon's start."""

import pytest

from exod.supervisor.ports import Wanted
from tests.simulation.house import House, played
from tests.simulation.packages import Kit

MOMENTS = ["prepare", "spawn", "hello", "walls", "go", "start"]


@pytest.mark.parametrize("conduct", ["hang", "refuse", "lie", "crash"])
@pytest.mark.parametrize("moment", MOMENTS)
@played
async def test_a_plugin_that_turned_bad_keeps_no_other_from_being_restored(
    house: House, moment: str, conduct: str
) -> None:
    await house.load(Kit("good"))
    await house.do("install", kit=Kit("bad", behaviour={moment: conduct}))
    row = house.disk.plugins["bad"]
    house.disk.plugins["bad"] = type(row)("bad", row.version, enabled=True, desired="running", config={})
    supervisor = house.incarnation(house.fresh_fate())
    start = house.loop.time()
    await supervisor.start()
    assert (supervisor.state, house.loop.time() - start) == ("starting", 0.0)
    await supervisor.restored.wait()
    assert supervisor.state == "running"
    assert supervisor.plugins["good"].state_name == "running"
    assert supervisor.plugins["bad"].state_name in ("error", "running")


@pytest.mark.parametrize("wreck", ["package", "row", "journal"])
@played
async def test_damaged_records_of_one_plugin_are_its_own_matter(house: House, wreck: str) -> None:
    await house.load(Kit("good"))
    bad = await house.load(Kit("bad"))
    if wreck == "package":
        house.disk.packages[("bad", "1.0.0")] = b"\x00" * 100
    elif wreck == "row":
        house.disk.versions.pop(("bad", "1.0.0"))
    else:
        record = house.disk.jobs[bad.id]
        house.disk.jobs[bad.id] = type(record)(
            *(getattr(record, name) for name in record.__slots__[:4]), "running", 0.0, 0.0, "{", "", ""
        )
    supervisor = await house.boot()
    assert supervisor.plugins["good"].state_name == "running"
    assert supervisor.plugins["bad"].state_name in ("error", "running")


@played
async def test_a_plugin_that_never_answers_delays_only_its_own_jobs(house: House) -> None:
    await house.load(Kit("bad", behaviour={"stop": "hang"}))
    slow = house.supervisor.submit(house.request("stop", "bad"))
    start = house.loop.time()
    assert (await house.load(Kit("good"))).state == "done"
    wanted = Wanted("method", "hello", "Greet", ["you"])
    assert (await house.supervisor.calls.ask("good", wanted, house.root)) == ["hello you"]
    assert house.loop.time() - start < 0.1
    assert (await house.supervisor.finished(slow)).state == "failed"
