"""Steps that move a loaded plugin, and how they are taken back."""

from collections.abc import Callable

import pytest

from tests.simulation.house import House, played
from tests.simulation.packages import Kit


@played
async def test_suspending_freezes_and_resuming_thaws(house: House) -> None:
    await house.load()
    await house.do("suspend", "hello")
    assert (house.host.processes[1].frozen, house.sandbox.channels[1].paused) == (True, True)
    await house.do("resume", "hello")
    assert (house.host.processes[1].frozen, house.sandbox.channels[1].paused) == (False, False)
    assert house.host.processes[1].heard == ["start", "suspend", "resume"]


@pytest.mark.parametrize(
    ("ready", "verb", "left"),
    [
        ((), "suspend", "running"),
        (("suspend",), "resume", "suspended"),
        ((), "stop", "running"),
        (("stop",), "start", "loaded"),
    ],
)
@played
async def test_a_move_that_cannot_be_recorded_is_taken_back(
    house: House, ready: tuple[str, ...], verb: str, left: str
) -> None:
    await house.load()
    for step in ready:
        await house.do(step, "hello")
    house.fate.fail = lambda name: name.startswith("registry.put_plugin")
    job = await house.do(verb, "hello")
    assert (job.state, house.supervisor.plugins["hello"].state_name) == ("failed", left)
    assert house.host.processes[1].frozen is (left == "suspended")


@pytest.mark.parametrize(("verb", "back"), [("stop", "start"), ("suspend", "resume")])
@played
async def test_a_plugin_that_dies_during_a_move_is_in_error_not_half_moved(house: House, verb: str, back: str) -> None:
    await house.load(Kit(behaviour={verb: "crash"}))
    job = await house.do(verb, "hello")
    await house.quiet()
    view = house.supervisor.plugins["hello"]
    assert (job.state, view.state_name, house.host.processes) == ("failed", "error", {})


@played
async def test_an_unload_that_cannot_go_on_shows_its_services_again(house: House) -> None:
    await house.load()
    house.fate.fail = _second_mark()
    job = await house.do("unload", "hello")
    assert (job.state, "hello" in house.face.offered) == ("failed", True)
    assert house.supervisor.plugins["hello"].state_name == "running"
    assert house.host.processes[1].heard == ["start", "stop", "start"]


def _second_mark() -> Callable[[str], bool]:
    seen: list[str] = []

    def fail(name: str) -> bool:
        if "unload running" in name:
            seen.append(name)
        return len(seen) == 2 and "unload running" in name

    return fail
