"""Each question goes to the broker that answers it, and what links counted comes back as rows."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from exod.brokers import desk
from exod.brokers.desk import Desk
from exod.errors import Refusal, Refused
from exod.supervisor.ports import Caller, Want, Wanted
from tests import uids
from tests.exod.brokers.router import plugins
from tests.exod.brokers.router.plugins import Plugin, Town
from tests.exosdk.instances import until


class Clock:
    """The town's."""

    def __init__(self, town: Town) -> None:
        self.sleep = town.sleep
        self._town = town

    def time(self) -> float:
        return self._town.seconds

    monotonic = time


@pytest.fixture
async def town() -> AsyncIterator[Town]:
    async with plugins.town() as made:
        yield made


@pytest.fixture
async def open_desk(town: Town) -> AsyncIterator[Desk]:
    def note(event: str, *words: Any, **fields: Any) -> None:
        town.audit.append({"event": event, **fields})

    async def write(*_: Any) -> None: ...

    world = desk.Asked(lambda _: {}, write, note, town.spawn, Clock(town))
    made = Desk(world, resolver_uid=uids.RESOLVER)
    town.router = made._router
    yield made
    await made.close()


@pytest.mark.parametrize(
    ("kind", "event"), [("connect", "connection"), ("read", "setting"), ("write", "setting"), ("nonsense", "setting")]
)
async def test_what_is_asked_of_exod_is_audited_by_who_answers_it(
    town: Town, open_desk: Desk, kind: str, event: str
) -> None:
    one = town.plugin("one", held=False)
    open_desk.wanted(one, Want(1, kind, "x.y", None))
    await town.quiet()
    assert [record["event"] for record in town.audit] == [event]


async def test_links_are_rows_with_what_both_ends_counted(town: Town, open_desk: Desk) -> None:
    one, other = town.plugin("one"), town.plugin("other")
    say(one, Counted)
    say(other, Counted)
    one.send("other", b"hello")
    await other.until(lambda: other.heard)
    await town.quiet()
    (row,) = await open_desk.links()
    assert row[1:4] == ("one", "other", "normal")
    assert (row.messages, row.bytes, row.received, row.dropped) == (1, 5, 1, 0)


async def test_of_who_does_not_answer_nothing_was_counted(town: Town, open_desk: Desk) -> None:
    one, other = town.plugin("one"), town.plugin("other")
    say(one, Counted)
    say(other, Silent)
    one.send("other", b"hello")
    await other.until(lambda: other.heard)
    await town.quiet()
    (row,) = await open_desk.links()
    assert (row.messages, row.received) == (1, 0)


async def test_however_many_ask_each_instance_is_asked_once(town: Town, open_desk: Desk) -> None:
    one, other = town.plugin("one"), town.plugin("other")
    lines = [say(one, Counted), say(other, Slow)]
    one.send("other", b"hello")
    await other.until(lambda: other.heard)
    await town.quiet()
    asked = [asyncio.create_task(open_desk.links()) for _ in range(100)]
    await until(lambda: lines[1].asked)
    asked.pop(0).cancel()
    await until(lambda: lines[1].asked == 2)
    lines[1].slow.set()
    assert {(await task)[0].received for task in asked} == {1}
    assert lines[1].asked == 2, "who asked first went away"
    assert (await open_desk.links())[0].received == 1
    assert lines[1].asked == 3


async def test_of_one_that_sleeps_nothing_was_counted(
    town: Town, open_desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk, "_COUNT_SECONDS", 0.05)
    one, other = town.plugin("one"), town.plugin("other")
    say(one, Counted)
    say(other, Slow)
    one.send("other", b"hello")
    await other.until(lambda: other.heard)
    await town.quiet()
    (row,) = await open_desk.links()
    assert row.received == 0


async def test_who_is_gone_has_no_links(town: Town, open_desk: Desk) -> None:
    one, other = town.plugin("one"), town.plugin("other")
    one.send("other", b"hello")
    await other.until(lambda: other.heard)
    open_desk.gone(other)
    open_desk.gone(other)
    assert await open_desk.links() == []


class Counted:
    """A line that answers for the SDK."""

    def __init__(self, plugin: Plugin) -> None:
        self.tell = plugin.tell
        self._exchange = plugin.mail.exchange
        self.asked = 0
        self.slow = asyncio.Event()

    async def ask(self, wanted: Wanted, _caller: Caller, *, deadline: float) -> Any:
        assert (wanted.kind, deadline) == ("links", desk._COUNT_SECONDS)
        self.asked += 1
        return self._exchange.counts()


class Silent(Counted):
    async def ask(self, *_: Any, **__: Any) -> Any:
        raise Refused(Refusal("call-timeout", "cannot: no answer within 1 s"))


class Slow(Counted):
    """Its question's own time stands still."""

    async def ask(self, wanted: Wanted, caller: Caller, *, deadline: float) -> Any:
        counted = await super().ask(wanted, caller, deadline=deadline)
        await self.slow.wait()
        return counted


def say(plugin: Plugin, how: type[Counted]) -> Counted:
    line = how(plugin)
    plugin.line = lambda: line  # type: ignore[method-assign]
    return line
