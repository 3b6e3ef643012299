"""What systemd says of our unit's job, by a stand-in for systemd on a private bus."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from typing import Any

import pytest

from exod.dbus import servicemanager
from exod.dbus.codec import CALL, ERROR, RETURN, Header, Outgoing, Variant
from exod.dbus.servicemanager import stops_for_good
from exod.dbus.wire import Wire
from tests.exod.dbus import rig as rigs
from tests.exod.dbus.rig import Client, Daemon

NAME = "org.freedesktop.systemd1"
UNIT, JOB = "/org/freedesktop/systemd1/unit/exod_2eservice", "/org/freedesktop/systemd1/job/7"
Answer = tuple[str, Any] | str | None
"""A signature and its value, the name of an error, or silence."""


def asked_of(header: Header) -> str:
    """The member of a call; of a property, its name."""
    return str(header.body()[1]) if header.member == "Get" else header.member


def ours(header: Header) -> Answer:
    return ("o", UNIT) if header.body() == [os.getpid()] else f"{NAME}.NoUnitForPID"


def job(number: int, path: str = JOB) -> Answer:
    return "v", Variant("(uo)", [number, path])


def kind(word: str) -> Answer:
    return "v", Variant("s", word)


Answers = Mapping[str, Answer | Callable[[Header], Answer]]
STOPPED: Answers = {"GetUnitByPID": ours, "Job": job(7), "JobType": kind("stop")}


@pytest.fixture(scope="module")
def open_bus() -> Iterator[Daemon]:
    """Anybody may own any name on it."""
    with rigs.daemon(shipped=False) as daemon:
        yield daemon


@contextlib.asynccontextmanager
async def systemd(daemon: Daemon, answers: Answers) -> AsyncIterator[list[tuple[str, str]]]:
    """Owns the name, answers as told, and notes who was asked for what."""
    asked: list[tuple[str, str]] = []

    async def serve(client: Client) -> None:
        while True:
            header = await client.signals.get()
            if header.type == CALL:
                asked.append((header.path, asked_of(header)))
                answer(client.wire, header, answers.get(asked_of(header)))

    async with rigs.client(daemon.address) as client:
        assert await client.wire.bus("RequestName", "su", [NAME, 0], returns="u") == [1]
        serving = asyncio.create_task(serve(client))
        yield asked
        serving.cancel()


def answer(wire: Wire, header: Header, found: Answer | Callable[[Header], Answer]) -> None:
    told = found(header) if callable(found) else found
    how: dict[str, Any] = {"reply_to": header.serial, "destination": header.sender}
    if isinstance(told, str):
        wire.send(Outgoing(ERROR, error=told, **how))
    elif told is not None:
        wire.send(Outgoing(RETURN, signature=told[0], body=[told[1]], **how))


@pytest.fixture
async def wire(open_bus: Daemon) -> AsyncIterator[Wire]:
    async with rigs.client(open_bus.address) as client:
        yield client.wire


async def test_a_job_that_stops_our_unit_is_for_good(open_bus: Daemon, wire: Wire) -> None:
    async with systemd(open_bus, STOPPED) as asked:
        assert await stops_for_good(wire)
    assert asked == [("/org/freedesktop/systemd1", "GetUnitByPID"), (UNIT, "Job"), (JOB, "JobType")]


@pytest.mark.parametrize("word", ["restart", "try-restart", "start", ""])
async def test_any_other_job_is_not(open_bus: Daemon, wire: Wire, word: str) -> None:
    async with systemd(open_bus, {**STOPPED, "JobType": kind(word)}):
        assert not await stops_for_good(wire)


async def test_without_a_job_nobody_stops_us(open_bus: Daemon, wire: Wire) -> None:
    async with systemd(open_bus, {**STOPPED, "Job": job(0, "/")}) as asked:
        assert not await stops_for_good(wire)
    assert len(asked) == 2, "there is no job to ask for"


async def test_without_systemd_nobody_stops_us(wire: Wire) -> None:
    assert not await stops_for_good(wire)


@pytest.mark.parametrize(
    "wrong",
    [
        {"GetUnitByPID": f"{NAME}.NoUnitForPID"},
        {"GetUnitByPID": ("s", UNIT)},
        {"Job": "org.freedesktop.DBus.Error.UnknownProperty"},
        {"Job": ("s", "7")},
        {"JobType": "org.freedesktop.DBus.Error.UnknownObject"},
        {"JobType": ("u", 7)},
    ],
    ids=str,
)
async def test_an_answer_that_tells_nothing_stops_nobody(
    open_bus: Daemon, wire: Wire, wrong: dict[str, Answer]
) -> None:
    async with systemd(open_bus, {**STOPPED, **wrong}):
        assert not await stops_for_good(wire)


@pytest.mark.parametrize("silent", ["GetUnitByPID", "Job", "JobType"])
async def test_who_does_not_answer_in_time_stops_nobody(
    open_bus: Daemon, wire: Wire, silent: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(servicemanager, "_DEADLINE", 0.01)
    async with systemd(open_bus, {**STOPPED, silent: None}):
        assert not await stops_for_good(wire)


async def test_a_bus_that_is_lost_meanwhile_stops_nobody(open_bus: Daemon, wire: Wire) -> None:
    async with systemd(open_bus, {**STOPPED, "JobType": None}) as asked:
        asking = asyncio.ensure_future(stops_for_good(wire))
        await rigs.until(lambda: len(asked) == 3)
        wire.close()
        assert not await asking
