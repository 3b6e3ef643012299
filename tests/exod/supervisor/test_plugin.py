"""A plugin's view and what it runs."""

from tests.simulation.house import House, played
from tests.simulation.packages import Kit


@played
async def test_the_view_shows_what_runs_beside_what_is_to_run(house: House) -> None:
    await house.load()
    await house.do("install", kit=Kit(version="1.1.0", signer="alice"))
    plugin = house.supervisor._roster.plugins["hello"]
    assert (plugin.record.version, plugin.version.version, plugin.newest()) == ("1.1.0", "1.0.0", "1.1.0")
    assert plugin.manifest is plugin.manifests["1.0.0"]


@played
async def test_a_fault_is_shown_until_the_state_changes(house: House) -> None:
    await house.do("install", kit=Kit(behaviour={"start": "refuse"}))
    await house.do("load", "hello", start=True)
    assert house.supervisor.plugins["hello"].fault["code"] == "plugin-raised"
    await house.do("unload", "hello")
    assert house.supervisor.plugins["hello"].fault == {}
