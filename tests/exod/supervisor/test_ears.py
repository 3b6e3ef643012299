"""What an instance says unasked reaches the face while it is the plugin's, and ends it when it keeps lying."""

from exod.supervisor.ears import STRIKES
from tests.simulation.house import House, played


@played
async def test_signals_and_changes_are_passed_on(house: House) -> None:
    await house.load()
    listener = house.sandbox.channels[1].listener
    listener.emitted("hello", "Greeted", ["you"])
    listener.changed("hello", {"Count": 1})
    assert house.face.said == [
        ("emit", "hello", "hello", "Greeted", ("you",)),
        ("changed", "hello", "hello", {"Count": 1}),
    ]


@played
async def test_nothing_is_heard_of_an_instance_that_is_being_ended(house: House) -> None:
    await house.load()
    listener = house.sandbox.channels[1].listener
    await house.do("unload", "hello")
    listener.emitted("hello", "Greeted", ["you"])
    listener.changed("hello", {"Count": 1})
    listener.struck("late")
    listener.unhealthy("late")
    assert (house.face.said, house.events("strike")) == ([], [])


@played
async def test_strikes_are_recorded_and_too_many_end_it(house: House) -> None:
    await house.load()
    listener = house.sandbox.channels[1].listener
    for _ in range(STRIKES):
        listener.struck("it lied")
    await house.quiet()
    view = house.supervisor.plugins["hello"]
    assert (view.state_name, view.fault["code"]) == ("error", "unhealthy")
    assert (len(house.events("strike")), house.host.processes) == (STRIKES, {})


@played
async def test_an_unhealthy_plugin_is_ended_with_the_reason(house: House) -> None:
    await house.load()
    house.sandbox.channels[1].listener.unhealthy("it missed three deadlines in a row")
    await house.quiet()
    view = house.supervisor.plugins["hello"]
    assert "three deadlines" in view.fault["sentence"]
    assert house.host.processes == {}
