"""What changes in the supervisor is seen on the bus: objects come and go, values change, once per turn."""

import asyncio
from dataclasses import replace

import pytest

from exod.dbus import BusFace
from exod.dbus import face as faces
from exod.names import ROOT_PATH, plugin_path, service_path
from tests.exod.dbus.fake import GREETER, instance_view, job_view, plugin_view
from tests.exod.dbus.rig import MANAGER, PLUGIN, Client, Rig

HELLO = plugin_path("hello")


async def test_objects_are_announced_and_withdrawn_from_the_root(rig: Rig, client: Client) -> None:
    await client.listen()
    rig.supervisor.plugins["hello"] = plugin_view("hello")
    rig.face.plugin("hello")
    added = await client.signal("InterfacesAdded")
    assert added.path == ROOT_PATH
    path, interfaces = added.body()
    assert path == HELLO
    assert interfaces[PLUGIN]["Name"].value == "hello"
    del rig.supervisor.plugins["hello"]
    rig.face.plugin("hello")
    assert (await client.signal("InterfacesRemoved")).body() == [HELLO, [PLUGIN]]


async def test_only_what_differs_is_signalled(rig: Rig, client: Client) -> None:
    rig.supervisor.plugins["hello"] = plugin_view("hello")
    rig.face.plugin("hello")
    rig.face.flush()
    await client.listen()
    rig.face.plugin("hello")
    rig.face.flush()
    rig.supervisor.plugins["hello"] = plugin_view("hello", state=4, state_name="suspended")
    rig.face.plugin("hello")
    rig.face.plugin("hello")
    _, changed, _ = (await client.signal("PropertiesChanged")).body()
    assert {name: value.value for name, value in changed.items()} == {"State": 4, "StateName": "suspended"}


async def test_the_daemons_own_state_is_signalled(rig: Rig, client: Client) -> None:
    await client.listen()
    rig.supervisor.state = "stopping"
    rig.face.daemon()
    signal = await client.signal("PropertiesChanged")
    assert (signal.path, signal.body()[0], signal.body()[1]["State"].value) == (ROOT_PATH, MANAGER, "stopping")


async def test_what_was_there_before_the_bus_is_shown_with_it(rig: Rig) -> None:
    supervisor = rig.supervisor
    supervisor.plugins["hello"] = plugin_view("hello")
    supervisor.instances[7] = instance_view(7, "hello")
    supervisor.jobs[3] = job_view(3, state="done")
    rig.face.offer("hello", [GREETER])
    late = BusFace()
    late.offer("hello", [GREETER])
    late.plugin("hello")
    late.emit("hello", "greeter", "Greeted", ["x"])
    late.changed("hello", "greeter", {"Count": 1})
    late.forget_callers()
    rig.bus._dispatcher.objects.clear()
    late.attach(rig.bus._dispatcher, rig.bus._requests, rig.bus._manager)
    shown = [path.removeprefix(f"{ROOT_PATH}/").split("/") for path in rig.bus._dispatcher.objects]
    kinds = {"root" if parts[0] == "" else parts[0] for parts in shown}
    assert kinds == {"root", "plugin", "instance", "job", "service"}
    late.detach()


async def test_services_come_and_go_with_their_plugin(rig: Rig, client: Client) -> None:
    await client.listen()
    rig.face.offer("hello", [GREETER, replace(GREETER, name="bad", interface="org.freedesktop.Evil")])
    path, interfaces = (await client.signal("InterfacesAdded")).body()
    assert (path, interfaces) == (service_path("hello", "greeter"), {GREETER.interface: {}})
    rig.face.changed("hello", "greeter", {"Count": 5})
    rig.face.withdraw("hello")
    rig.face.withdraw("other")
    assert (await client.signal("InterfacesRemoved")).body() == [path, [GREETER.interface]]
    assert [path for path in rig.bus._dispatcher.objects if "/service/" in path] == []
    rig.face.emit("hello", "greeter", "Greeted", ["too late"])
    rig.face.changed("hello", "greeter", {"Count": 6})


async def test_a_plugin_that_floods_signals_is_cut_off_for_the_rest_of_the_second(
    rig: Rig, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(faces, "_SIGNALS_PER_SECOND", 3)
    rig.face.offer("hello", [GREETER])
    await client.listen()
    for number in range(10):
        rig.face.emit("hello", "greeter", "Greeted", [str(number)])
    assert [(await client.signal("Greeted")).body() for _ in range(3)] == [["0"], ["1"], ["2"]]
    assert rig.face.signals_over_rate == 7


async def test_what_quotes_a_stranger_is_shown_cleaned_and_what_cannot_be_shown_hides_nothing_else(
    rig: Rig, client: Client
) -> None:
    rig.supervisor.plugins |= {
        "bad": plugin_view("bad", state="not a number"),
        "hello": plugin_view("hello", fault={"sentence": "it said \0 and \ud800"}),
    }
    rig.face.plugin("bad")
    rig.face.plugin("hello")
    rig.face.flush()
    assert await client.get(HELLO, PLUGIN, "Fault") == {"sentence": "it said \ufffd and ?"}
    assert plugin_path("bad") not in rig.bus._dispatcher.objects


async def test_an_object_whose_view_went_away_goes_with_it(rig: Rig, client: Client) -> None:
    rig.supervisor.plugins["hello"] = plugin_view("hello")
    rig.face.plugin("hello")
    rig.face.flush()
    del rig.supervisor.plugins["hello"]
    rig.face._announce(HELLO)
    assert HELLO not in rig.bus._dispatcher.objects


async def test_nothing_is_shown_after_the_end(rig: Rig) -> None:
    rig.supervisor.plugins["hello"] = plugin_view("hello")
    rig.face.plugin("hello")
    rig.face.detach()
    await asyncio.sleep(0)
    assert HELLO not in rig.bus._dispatcher.objects


def getting_on(rig: Rig, *, done: int, state: str = "running") -> None:
    rig.supervisor.jobs[3] = job_view(3, state=state, steps_done=done)
    rig.face.job(3)
    rig.face.flush()


async def next_change(client: Client) -> dict[str, object]:
    _, changed, _ = (await client.signal("PropertiesChanged")).body()
    return {name: value.value for name, value in changed.items()}


async def test_a_job_that_is_getting_on_is_shown_now_and_then_and_its_end_at_once(
    rig: Rig, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(faces, "_JOB_INTERVAL", 3600.0)
    getting_on(rig, done=0)
    await client.listen()
    for done in range(1, 9):
        getting_on(rig, done=done)
    getting_on(rig, done=9, state="done")
    assert await next_change(client) == {"StepsDone": 1}
    assert await next_change(client) == {"StepsDone": 9, "State": "done"}


async def test_what_a_job_did_meanwhile_is_shown_when_its_rest_is_over(
    rig: Rig, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(faces, "_JOB_INTERVAL", 0.001)
    getting_on(rig, done=0)
    await client.listen()
    for done in (1, 2, 3):
        getting_on(rig, done=done)
    assert await next_change(client) == {"StepsDone": 1}
    assert await next_change(client) == {"StepsDone": 3}
    while rig.face._resting:  # noqa: ASYNC110 - a timer has to pass
        await asyncio.sleep(0)
    assert not rig.face._dirty, "nothing is new, and nothing is looked at again"
