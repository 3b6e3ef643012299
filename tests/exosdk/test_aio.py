"""Coroutines between the calls of a plugin: they sleep, ask, are woken from other threads, and end with the plugin."""

import asyncio
import os
import select
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from exosdk import aio, wire
from exosdk.context import Context, given, guests, hear_for
from exosdk.links import LinkError

GO = wire.Go(wire.PROTOCOL, "hello", "1", "custom", "a:B", {}, {"ipc": ("*",)}, (), 2.0)


class House:
    """The SDK's loop in the hands of a test: its turns, and the descriptors that would have woken it."""

    def __init__(self) -> None:
        self.sent: list[Any] = []
        self.lines: list[str] = []
        self.context = Context(GO, state_dir="", send=self.sent.append)
        self.poll = select.poll()
        hear_for(self.context, lambda descriptor: self.poll.register(descriptor, select.POLLIN))
        self.context.log._sent = lambda line: bool(self.lines.append(line.decode())) or True  # type: ignore[method-assign]
        self.loop = aio.Loop(self.context)

    def until(self, reached: Callable[[], object]) -> None:
        """As the runner does it; ten seconds are never."""
        (guest,), over = guests(self.context), time.monotonic() + 10
        while not reached():
            assert time.monotonic() < over
            pause = guest.wait()
            self.poll.poll(1000 if pause is None else pause * 1000)
            guest.turn()


@pytest.fixture
def house() -> Iterator[House]:
    made = House()
    yield made
    made.loop.stop()
    made.loop._loop.close()


def test_a_coroutine_runs_to_its_end(house: House) -> None:
    async def work() -> int:
        await asyncio.sleep(0.001)
        return 42

    task = house.loop.spawn(work())
    house.until(task.done)
    assert task.result() == 42


def test_several_take_turns(house: House) -> None:
    order: list[str] = []

    async def work(name: str) -> None:
        for _ in range(2):
            order.append(name)
            await asyncio.sleep(0)

    tasks = [house.loop.spawn(work(name)) for name in "ab"]
    house.until(lambda: all(task.done() for task in tasks))
    assert order == ["a", "b", "a", "b"]


def test_without_anything_to_do_it_asks_for_no_turn(house: House) -> None:
    (guest,) = guests(house.context)
    assert guest.wait() is None
    guest.turn()
    assert guest.wait() is None


def test_it_is_woken_from_another_thread(house: House) -> None:
    event = asyncio.Event()
    task = house.loop.spawn(event.wait())
    house.until(lambda: house.loop._loop.until() is None)
    thread = threading.Thread(target=lambda: house.loop._loop.call_soon_threadsafe(event.set))
    thread.start()
    house.until(task.done)
    thread.join()


def test_a_request_is_awaited(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(house.context, "request", lambda *words, **how: asked.append((words, how)))

    async def work() -> Any:
        return await house.loop.request("other", b"x", seconds=3.0)

    task = house.loop.spawn(work())
    house.until(lambda: asked)
    (to, data, then), how = asked[0]
    assert (to, data, how) == ("other", b"x", {"seconds": 3.0})
    then(memoryview(b"answer"), "")
    then(None, "twice is nothing")
    house.until(task.done)
    assert task.result() == b"answer"


def test_the_reason_that_there_is_no_answer_is_raised(house: House) -> None:
    """Through the real mail: exod refuses the link."""

    async def work() -> str:
        try:
            await house.loop.call("other", "Greet", "Ada")
        except LinkError as error:
            return str(error)
        return ""

    task = house.loop.spawn(work())
    house.until(lambda: house.sent)
    given(house.context, wire.Given(house.sent[0].id, wire.NOTHING, "cannot link hello with other: no"))
    house.until(task.done)
    assert "cannot link hello with other: no" in task.result()


def test_what_nobody_awaits_and_fails_is_in_the_log(house: House) -> None:
    async def work() -> None:
        raise ValueError("sour")

    house.loop.spawn(work())
    house.until(lambda: house.lines)
    assert "ValueError('sour')" in house.lines[0]


def test_stop_ends_what_runs_and_leaves_nothing_open() -> None:
    before = os.listdir("/proc/self/fd")
    house, ended = House(), []

    async def work() -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            ended.append(True)

    house.loop.spawn(work())
    house.until(lambda: house.loop._loop.until() != 0.0)
    (guest,) = guests(house.context)
    guest.stop()
    assert ended == [True]
    house.loop._loop.close()
    assert os.listdir("/proc/self/fd") == before
