"""Steps on what a plugin is to be."""

import pytest

from tests.simulation.house import House, played
from tests.simulation.packages import Kit


@played
async def test_a_suspended_plugin_is_told_of_its_configuration_when_it_wakes(house: House) -> None:
    await house.load()
    await house.do("suspend", "hello")
    job = await house.do("configure", "hello", values={"word": "hey"})
    assert (job.state, house.host.processes[1].heard[-1]) == ("done", "suspend")
    await house.do("resume", "hello")
    assert house.host.processes[1].heard[-2:] == ["configure", "resume"]


@played
async def test_a_configuration_that_cannot_be_recorded_is_taken_back_from_the_plugin(house: House) -> None:
    await house.load()
    house.fate.fail = lambda name: (
        name.startswith("registry.put_plugin") and not house.fate.points[-1].startswith("undo")
    )
    job = await house.do("configure", "hello", values={"word": "hey"})
    assert (job.state, house.supervisor.config("hello")["word"]) == ("failed", "hello")
    assert house.host.processes[1].heard == ["start", "configure", "configure"]


@played
async def test_a_plugin_that_will_not_take_the_old_configuration_back_is_ended(house: House) -> None:
    await house.load()
    process = house.host.processes[1]

    def fail(name: str) -> bool:
        if name.startswith("registry.put_plugin") and not house.fate.points[-1].startswith("undo"):
            process.behaviour = {"configure": "refuse"}
            return True
        return False

    house.fate.fail = fail
    await house.do("configure", "hello", values={"word": "hey"})
    await house.quiet()
    assert house.supervisor.plugins["hello"].fault["code"] == "not-undone"


@pytest.mark.parametrize("verb", ["enable", "disable"])
@played
async def test_a_wish_that_cannot_be_recorded_is_no_wish(house: House, verb: str) -> None:
    await house.load(Kit(), enable=verb == "disable")
    house.fate.fail = lambda name: name.startswith("registry.put_plugin")
    job = await house.do(verb, "hello")
    assert job.state == "failed"
    assert house.supervisor.plugins["hello"].enabled is (verb == "disable")
