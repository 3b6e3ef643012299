"""Calls into a plugin's object, without any channel."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from exosdk import hooks, wire
from exosdk.context import Context, mail
from exosdk.mail import Mail
from exosdk.message import Envelope, Kind, Message
from exosdk.serving import Serving
from exosdk.testing import FakeClock
from tests.exosdk import instances
from tests.exosdk.instances import fresh_imports

SERVICE = wire.Service(
    "greeter",
    "a.b",
    (wire.Method("Greet", "s", "s"), wire.Method("Pair", "ii", "ii"), wire.Method("Fail", "s", "ss")),
    (wire.Signal("Greeted", "s"),),
    (wire.Property("Count", "u", "read"), wire.Property("Tone", "s", "readwrite")),
)
GO = wire.Go(1, "p", "1", "custom", "greeter_plugin:Greeter", {"word": "hello"}, {}, (SERVICE,), 5.0)
CALLER = (":1.1", 0)


@pytest.fixture
def sent() -> list[wire.Up]:
    return []


@pytest.fixture
def serving(sent: list[wire.Up], monkeypatch: pytest.MonkeyPatch) -> Iterator[Serving]:
    monkeypatch.syspath_prepend(str(Path(instances.__file__).parent))
    with fresh_imports("greeter_plugin"):
        context = Context(GO, state_dir="", send=sent.append, clock=FakeClock())
        yield Serving(GO, context=context, manager=hooks.manager())


def test_results_are_a_list_as_long_as_declared(serving: Serving) -> None:
    assert serving.call("greeter", "Greet", ["Ada"], caller=CALLER) == ["hello Ada"]
    assert serving.call("greeter", "Pair", [1, 2], caller=CALLER) == [2, 1]


def test_another_number_of_results_than_declared_is_refused(serving: Serving) -> None:
    with pytest.raises(ValueError, match="returned 1 values, the manifest declares 2"):
        serving.call("greeter", "Fail", ["unsendable"], caller=CALLER)


def test_only_declared_members_can_be_reached(serving: Serving) -> None:
    for reach in (
        lambda: serving.call("greeter", "Beat", [], caller=CALLER),
        lambda: serving.call("other", "Greet", ["x"], caller=CALLER),
        lambda: serving.get("greeter", "Calls"),
        lambda: serving.set("greeter", "Calls", [], caller=CALLER),
        lambda: serving.hook("__init__", {}),
    ):
        with pytest.raises(ValueError, match="there is no"):
            reach()


def test_the_caller_is_forgotten_after_the_call(serving: Serving) -> None:
    with pytest.raises(RuntimeError, match=":1.1"):
        serving.call("greeter", "Fail", ["caller"], caller=CALLER)
    assert serving.context.caller == ("", 0)


def test_a_timer_of_start_runs_when_due_and_ends_at_stop(serving: Serving, sent: list[wire.Up]) -> None:
    serving.hook("start", {})
    assert not serving.due(0.0)
    assert serving.due(0.02)
    serving.flush()
    assert isinstance(sent[-1], wire.Changed)
    serving.hook("stop", {})
    assert not serving.due(100.0)


def test_a_property_that_was_written_is_announced(serving: Serving, sent: list[wire.Up]) -> None:
    serving.set("greeter", "Tone", "loud", caller=CALLER)
    serving.flush()
    (frame,) = sent
    assert isinstance(frame, wire.Changed)
    assert wire.unpack(frame.properties) == {"Tone": "loud"}


# --- messages --------------------------------------------------------------------------------------------------------

WITH_LINKS = wire.Go(3, "p", "1", "custom", "pen_plugin:Pen", {}, {"ipc": ("ada",)}, (), 5.0)


@pytest.fixture
def pen(sent: list[wire.Up], monkeypatch: pytest.MonkeyPatch) -> Iterator[Serving]:
    monkeypatch.syspath_prepend(str(Path(instances.__file__).parent))
    with fresh_imports("pen_plugin"):
        context = Context(WITH_LINKS, state_dir="", send=sent.append, clock=FakeClock())
        yield Serving(WITH_LINKS, context=context, manager=hooks.manager())


def letters(serving: Serving) -> Mail:
    found = mail(serving.context)
    assert found is not None
    return found


def test_messages_and_losses_reach_the_hooks_that_there_are(pen: Serving) -> None:
    found = letters(pen)
    envelope = Envelope(1, Kind.MESSAGE, 0)
    message = Message(envelope, b"x", sender="ada", receiver="p", type=7, priority="bulk", wall=0.0)
    assert found.on_message is not None
    assert found.on_message(message) == b"X"
    found.on_lost("ada", 3)
    assert pen.plugin.heard == ["7 ada x", "lost ada 3"]


def test_a_plugin_without_those_hooks_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path(instances.__file__).parent))
    go = wire.Go(3, "p", "1", "custom", "greeter_plugin:Greeter", {"word": "hello"}, {"ipc": ("ada",)}, (SERVICE,), 5.0)
    with fresh_imports("greeter_plugin"):
        context = Context(go, state_dir="", send=print, clock=FakeClock())
        assert letters(Serving(go, context=context, manager=hooks.manager())).on_message is None


def test_messages_come_only_while_the_plugin_runs(pen: Serving) -> None:
    running = []
    for hook in ("start", "suspend", "resume", "health", "stop", "start"):
        pen.hook(hook, {})
        running.append(letters(pen).exchange.running)
    assert running == [True, False, True, True, False, True]


def test_a_stop_ends_subscriptions_and_links_even_if_it_raises(pen: Serving, sent: list[wire.Up]) -> None:
    pen.hook("start", {})
    found: list[str] = []
    pen.context.request("ada", b"", lambda _, refused: found.append(refused))
    pen._hooks.stop = lambda: 1 / 0
    with pytest.raises(ZeroDivisionError):
        pen.hook("stop", {})
    assert found == ["stopped: the plugin was stopped"]
    assert [one.kind for one in sent if isinstance(one, wire.Want)] == ["subscribe", "link", "leave"]
    assert letters(pen)._subscriptions == []
