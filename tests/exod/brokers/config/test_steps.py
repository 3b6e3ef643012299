"""Questions for settings, over a real channel to a plugin in a thread, and what the audit has of them."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from exod.brokers.config.facts import SYSTEM
from exod.brokers.config.steps import Config, World
from exod.brokers.questions import USES
from exod.errors import Refusal, Refused
from exod.package.options import Value
from exod.package.services import Method, Service
from exod.plan.confine import Confinement
from exod.supervisor.channel import Channel
from exod.supervisor.ports import Caller, Want, Wanted
from exosdk import wire
from tests.exosdk.instances import NONCE, Heard, Instance, confinement, fresh_imports, until

SETTINGS = {"echo": {"volume": 5, "tone": "low"}}
HELD = ("read:echo.volume", "write:echo.tone", "read:system.hostname", "read:echo.gone", "read:away.x")


@dataclass
class Asking:
    """An instance with a line that remembers what it was given; what it asks for is answered by `broker`."""

    held: tuple[str, ...] = HELD
    given: list[tuple[int, Any, str]] = field(default_factory=list)
    written: list[tuple[str, Mapping[str, Value], str]] = field(default_factory=list)
    audit: list[dict[str, Any]] = field(default_factory=list)
    seconds: float = 0.0
    plugin: str = "hello"
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    tasks: list["asyncio.Task[None]"] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.gate.set()
        self.broker = Config(World(self.read, self.write, self.note, lambda: self.seconds, self.spawn))

    @property
    def confinement(self) -> Confinement:
        return replace(confinement(), permissions={"config": self.held})

    def line(self) -> Any:
        return self

    def tell(self, frame: wire.Given) -> bool:
        self.given.append((frame.id, wire.unpack(frame.value), frame.refused))
        return True

    def read(self, plugin: str) -> Mapping[str, Value]:
        if plugin not in SETTINGS:
            raise Refused(Refusal("unknown-plugin", f"cannot read the configuration of {plugin}: it is not installed"))
        return SETTINGS[plugin]

    async def write(self, plugin: str, values: Mapping[str, Value], by: str) -> None:
        await self.gate.wait()
        self.written.append((plugin, values, by))

    def note(self, event: str, source: str, by: str, /, **fields: Any) -> None:
        assert (source, by) == ("broker", f"plugin {fields['plugin']}")
        self.audit.append({"event": event} | fields)

    def spawn(self, work: Any, name: str) -> None:
        self.tasks.append(asyncio.get_running_loop().create_task(work, name=name))

    async def ask(self, kind: str, key: str, value: Any = None) -> tuple[Any, str]:
        self.broker.wanted(self, Want(len(self.given), kind, key, value))
        await self.tasks[-1]
        return self.given[-1][1:]


async def test_what_is_held_is_read() -> None:
    asking = Asking()
    assert await asking.ask("read", "echo.volume") == (5, "")
    assert await asking.ask("read", "system.hostname") != (None, "")
    assert asking.audit[0] == {
        "event": "setting",
        "plugin": "hello",
        "use": "read",
        "key": "echo.volume",
        "refused": "",
    }


async def test_what_is_held_is_written_in_the_name_of_the_plugin() -> None:
    asking = Asking()
    assert await asking.ask("write", "echo.tone", "high") == (None, "")
    assert asking.written == [("echo", {"tone": "high"}, "plugin:hello")]


@pytest.mark.parametrize(("kind", "key"), [("write", "echo.volume"), ("read", "echo.tone"), ("read", "a\n.b")])
async def test_what_is_not_held_is_refused_and_audited(kind: str, key: str) -> None:
    asking = Asking()
    value, refused = await asking.ask(kind, key, 1)
    assert (value, bool(refused), asking.written) == (None, True, [])
    assert asking.audit[-1]["refused"] == refused
    assert "\n" not in str(asking.audit[-1])


async def test_what_is_taken_back_is_refused_at_the_next_use() -> None:
    asking = Asking()
    assert await asking.ask("read", "echo.volume") == (5, "")
    asking.held = ()
    value, refused = await asking.ask("read", "echo.volume")
    assert (value, "does not hold read:echo.volume" in refused) == (None, True)


@pytest.mark.parametrize(("key", "why"), [("echo.gone", "no such setting"), ("away.x", "not installed")])
async def test_what_is_not_there_is_said(key: str, why: str) -> None:
    value, refused = await Asking().ask("read", key)
    assert (value, why in refused) == (None, True)


async def test_a_setting_of_the_host_that_cannot_be_read_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreadable() -> str:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setitem(SYSTEM, "hostname", unreadable)  # type: ignore[arg-type]
    assert await Asking().ask("read", "system.hostname") == (None, "cannot read system.hostname: Permission denied")


async def test_one_write_at_a_time() -> None:
    asking = Asking()
    asking.gate.clear()
    asking.broker.wanted(asking, Want(1, "write", "echo.tone", "high"))
    await asyncio.sleep(0)
    assert "writing one already" in (await asking.ask("write", "echo.tone", "low"))[1]
    asking.gate.set()
    await asyncio.gather(*asking.tasks)
    assert await asking.ask("write", "echo.tone", "low") == (None, "")


async def test_more_than_so_many_a_second_are_refused_and_cost_the_audit_nothing() -> None:
    asking = Asking()
    answers = [await asking.ask("read", "echo.volume") for _ in range(USES + 1)]
    assert answers[:-1] == [(5, "")] * USES
    assert answers[-1][0] is None
    assert len(asking.audit) == USES
    asking.seconds = 1.0
    assert await asking.ask("read", "echo.volume") == (5, "")


async def test_one_that_is_gone_is_not_answered() -> None:
    asking = Asking()

    def gone(*_: Any) -> None:
        raise Refused(Refusal("instance-lost", "cannot answer the instance: it is gone"))

    asking.give = gone  # type: ignore[method-assign]
    asking.broker.wanted(asking, Want(1, "read", "echo.volume", None))
    await asking.tasks[-1]


PLUGIN = """
class Curious:
    def __init__(self, context):
        self.context, self.answers = context, []
    def ask(self, key):
        self.context.read_setting(key, self.told)
    def tell(self, key, value):
        self.context.write_setting(key, value, self.told)
    def told(self, value, refused):
        self.answers.append(f"{value} {refused}")
    def heard(self):
        return self.answers
"""


class Line(Heard):
    def __init__(self, asking: Asking) -> None:
        super().__init__()
        self.asking = asking

    def wanted(self, want: Want) -> None:
        self.asking.broker.wanted(self.asking, want)


@pytest.fixture
async def curious(tmp_path: Path) -> AsyncIterator[tuple[Channel, Asking]]:
    (tmp_path / "curious.py").write_text(PLUGIN)
    methods = (Method("Ask", "s"), Method("Tell", "ss"), Method("Heard", "", "as"))
    confined = confinement(entry="curious:Curious", services=(Service("s", "org.example.S", methods=methods),))
    with fresh_imports("curious"):
        instance, asking = Instance(code=tmp_path, state=tmp_path / "none"), Asking()
        channel = Channel(instance.end, Line(asking))
        asking.line = lambda: channel  # type: ignore[method-assign]
        await channel.hello(nonce=NONCE, deadline=5)
        await channel.go(confined, deadline=5)
        yield channel, asking
        channel.close()
        await asyncio.to_thread(instance.join)


async def heard(channel: Channel, *, answers: int) -> list[str]:
    said: list[str] = []
    while len(said) < answers:
        (said,) = await channel.ask(Wanted("method", "s", "Heard"), Caller(":1.1", 0), deadline=5)
    return said


async def say(channel: Channel, method: str, *arguments: str) -> None:
    await channel.ask(Wanted("method", "s", method, arguments), Caller(":1.1", 0), deadline=5)


async def test_a_plugin_reads_writes_and_is_refused_over_its_channel(curious: tuple[Channel, Asking]) -> None:
    channel, asking = curious
    await say(channel, "Ask", "echo.volume")
    await say(channel, "Tell", "echo.tone", "high")
    await say(channel, "Ask", "echo.tone")
    said = await heard(channel, answers=3)
    assert said[0] == "5 "
    assert said[1] == "None "
    assert "does not hold read:echo.tone" in said[2]
    assert asking.written == [("echo", {"tone": "high"}, "plugin:hello")]


async def test_a_question_that_an_exod_took_with_it_is_given_up(curious: tuple[Channel, Asking]) -> None:
    channel, asking = curious
    asking.broker.wanted = lambda *_: None  # type: ignore[method-assign]
    await say(channel, "Ask", "echo.volume")
    channel.adopt(confinement(), epoch=9)
    await until(lambda: channel._barrier is not None and channel._barrier.answer.done())
    (said,) = await channel.ask(Wanted("method", "s", "Heard"), Caller(":1.1", 0), deadline=5)
    assert said == ["None exod was restarted before it answered"]
