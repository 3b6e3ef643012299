"""What an instance asks of the supervisor: settings of others, as long as it holds them, in the audit and as jobs."""

import asyncio
from dataclasses import replace
from typing import Any

from exod.plan.policy import Policy
from exod.supervisor.ports import Want
from tests.simulation.house import House, played
from tests.simulation.packages import Kit

ASKER = Kit(name="asker", settings=("read:echo.word", "write:echo.word", "read:system.hostname"))


async def ask(house: House, kind: str, key: str, value: Any = None) -> tuple[Any, str]:
    channel = house.sandbox.channels[house.supervisor.plugins["asker"].instance]
    channel.listener.wanted(Want(len(channel.given), kind, key, value))
    await asyncio.sleep(1)
    return channel.given[-1][1:]


@played
async def test_another_plugin_s_setting_is_read_and_changed_by_a_job_of_its_own(house: House) -> None:
    await house.load(Kit(name="echo"))
    await house.load(ASKER)
    assert await ask(house, "read", "echo.word") == ("hello", "")
    assert await ask(house, "write", "echo.word", "bye") == (None, "")
    assert await ask(house, "read", "echo.word") == ("bye", "")
    assert house.supervisor.config("echo")["word"] == "bye"
    assert [job.caller for job in house.supervisor.jobs.values() if job.kind == "configure"] == ["plugin:asker"]
    assert [(event["use"], event["refused"]) for event in house.events("setting")] == [
        ("read", ""),
        ("write", ""),
        ("read", ""),
    ]


@played
async def test_what_does_not_fit_the_other_s_manifest_is_refused(house: House) -> None:
    await house.load(Kit(name="echo"))
    await house.load(ASKER)
    for value in (5, ["x"], None, {"a": 1}):
        value, refused = await ask(house, "write", "echo.word", value)
        assert (value, bool(refused)) == (None, True)
    assert house.supervisor.config("echo")["word"] == "hello"


@played
async def test_what_it_does_not_hold_or_holds_no_more_is_refused(house: House) -> None:
    await house.load(Kit(name="echo"))
    await house.load(ASKER)
    assert "does not hold" in (await ask(house, "write", "echo.interval", 5.0))[1]
    house.disk.inputs = replace(house.disk.inputs, policies={"asker": Policy(deny=("config",))})
    await house.supervisor.reload()
    assert "does not hold" in (await ask(house, "read", "echo.word"))[1]
    assert list(house.host.processes) == [1, 2], "nobody was restarted"


@played
async def test_one_that_is_being_ended_is_not_heard(house: House) -> None:
    await house.load(ASKER)
    house.supervisor._roster.instances[1].ending = True
    channel = house.sandbox.channels[1]
    channel.listener.wanted(Want(1, "read", "system.hostname", None))
    await asyncio.sleep(1)
    assert channel.given == []
    house.supervisor._roster.instances[1].ending = False


@played
async def test_a_key_that_no_broker_answers_is_refused_before_anything_runs(house: House) -> None:
    job = await house.load(Kit(settings=("write:system.hostname",)))
    assert job.refusal["code"] == "permission-refused"
    assert house.host.processes == {}
