"""What a plugin can do with its context."""

import socket
from collections.abc import Callable
from typing import Any

import pytest

from exosdk import wire
from exosdk.context import Context, abandon, flush, given, mail, reconfigure, timers
from exosdk.links import LinkError
from exosdk.testing import FakeClock

SERVICE = wire.Service(
    "s",
    "a.b",
    (),
    (wire.Signal("Moved", "ss"),),
    (wire.Property("Count", "u", "read"), wire.Property("CPUTime", "t", "read")),
)
OTHER = wire.Service("o", "a.c", (), (), (wire.Property("Size", "u", "read"),))
GO = wire.Go(1, "p", "1.0", "custom", "m:C", {"a": 1}, {"ipc": ("x",)}, (SERVICE, OTHER), 5.0)


class Figures:
    count = 3
    cpu_time = 4
    size = 5


@pytest.fixture
def sent() -> list[wire.Up]:
    return []


@pytest.fixture
def context(sent: list[wire.Up]) -> Context:
    return Context(GO, state_dir="/state", send=sent.append, clock=FakeClock())


def test_it_tells_what_the_instance_was_given(context: Context) -> None:
    assert (context.plugin, context.version, context.state_dir) == ("p", "1.0", "/state")
    assert (context.config["a"], context.permissions["ipc"], context.caller) == (1, ("x",), ("", 0))


def test_configuration_and_permissions_cannot_be_written(context: Context) -> None:
    for mapping in (context.config, context.permissions):
        with pytest.raises(TypeError):
            mapping["a"] = 2  # type: ignore[index]


def test_new_settings_take_the_place_of_the_old(context: Context) -> None:
    reconfigure(context, {"a": 2})
    assert context.config == {"a": 2}


def test_a_declared_signal_is_sent_at_once(context: Context, sent: list[wire.Up]) -> None:
    context.emit("Moved", "a", "b")
    (frame,) = sent
    assert isinstance(frame, wire.Emit)
    assert (frame.service, frame.signal, wire.unpack(frame.arguments)) == ("s", "Moved", ["a", "b"])


def test_a_signal_that_is_not_as_declared_is_refused(context: Context) -> None:
    with pytest.raises(ValueError, match="no service declares"):
        context.emit("Gone")
    with pytest.raises(ValueError, match="takes 2 arguments"):
        context.emit("Moved", "a")


def test_changes_are_sent_together_with_the_values_of_that_moment(context: Context, sent: list[wire.Up]) -> None:
    context.changed("Count")
    context.changed("CPUTime", "Count", "Size")
    assert sent == []
    flush(context, Figures())
    flush(context, Figures())
    assert [(frame.service, wire.unpack(frame.properties)) for frame in sent if isinstance(frame, wire.Changed)] == [
        ("s", {"CPUTime": 4, "Count": 3}),
        ("o", {"Size": 5}),
    ]


def test_an_undeclared_property_is_refused(context: Context) -> None:
    with pytest.raises(ValueError, match="no service declares"):
        context.changed("Gone")


def test_timers_run_on_the_clock_of_the_context(context: Context) -> None:
    context.every(2.0, lambda: None)
    assert timers(context).wait(context.clock.monotonic()) == 2.0


@pytest.fixture
def told() -> list[tuple[Any, str]]:
    return []


def asking(sent: list[wire.Up], told: list[tuple[Any, str]]) -> Context:
    context = Context(wire.Go(2, "p", "1", "custom", "m:C", {}, {}, (), 5.0), state_dir="", send=sent.append)
    context.connect("example.org", 443, lambda end, refused: told.append((end, refused)))
    return context


def test_a_connection_is_asked_for_by_its_place(sent: list[wire.Up], told: list[tuple[Any, str]]) -> None:
    asking(sent, told).connect("::1", 7, print)
    assert [(one.kind, one.key) for one in sent if isinstance(one, wire.Want)] == [
        ("connect", "example.org:443"),
        ("connect", "[::1]:7"),
    ]


def test_a_connection_comes_as_a_socket_with_the_patience_of_a_call(
    sent: list[wire.Up], told: list[tuple[Any, str]]
) -> None:
    ours, theirs = socket.socketpair()
    given(asking(sent, told), wire.Given(1, wire.NOTHING, ""), (theirs.detach(),))
    [(end, refused)] = told
    with ours, end:
        end.send(b"x")
        assert (ours.recv(9), end.gettimeout(), refused) == (b"x", 5.0, "")


def test_a_refused_connection_is_a_reason(sent: list[wire.Up], told: list[tuple[Any, str]]) -> None:
    given(asking(sent, told), wire.Given(1, wire.NOTHING, "cannot"))
    assert told == [(None, "cannot")]


def test_a_connection_for_which_no_file_could_be_opened_is_said(
    sent: list[wire.Up], told: list[tuple[Any, str]]
) -> None:
    given(asking(sent, told), wire.Given(1, wire.NOTHING, ""))
    assert told == [(None, "cannot take the connection: too many files are open already")]


def test_a_connection_that_nobody_asked_for_is_closed(sent: list[wire.Up], told: list[tuple[Any, str]]) -> None:
    ours, theirs = socket.socketpair()
    with ours:
        given(asking(sent, told), wire.Given(9, wire.NOTHING, ""), (theirs.detach(),))
        assert (ours.recv(9), told) == (b"", [])


# --- messages --------------------------------------------------------------------------------------------------------

WITH_LINKS = wire.Go(3, "p", "1", "custom", "m:C", {}, {"ipc": ("bob",)}, (), 5.0)


@pytest.fixture
def linked(sent: list[wire.Up]) -> Context:
    return Context(WITH_LINKS, state_dir="", send=sent.append, clock=FakeClock())


def wants(sent: list[wire.Up]) -> list[tuple[str, str, Any]]:
    return [(one.kind, one.key, wire.unpack(one.value)) for one in sent if isinstance(one, wire.Want)]


@pytest.mark.parametrize(("protocol", "permissions"), [(3, {}), (2, {"ipc": ("bob",)})])
def test_without_the_permission_and_with_an_older_exod_nobody_is_reached(protocol: int, permissions: Any) -> None:
    go = wire.Go(protocol, "p", "1", "custom", "m:C", {}, permissions, (), 5.0)
    context = Context(go, state_dir="", send=print, clock=FakeClock())
    reaches: list[Callable[[], Any]] = [
        lambda: context.link("bob"),
        lambda: context.send("bob", b""),
        lambda: context.request("bob", b"", print),
        lambda: context.receive(0),
        lambda: context.broadcast("custom", b""),
        lambda: context.publish("x", b""),
        lambda: context.subscribe("bob/*", print),
        lambda: context.service("bob"),
    ]
    for reach in reaches:
        with pytest.raises(LinkError, match="cannot reach another plugin: the permission ipc was not granted"):
            reach()
    assert mail(context) is None


def test_what_is_sent_first_asks_for_the_link_that_was_wished_for(linked: Context, sent: list[wire.Up]) -> None:
    linked.link("bob", slots=64, arena=4096)
    linked.send("bob", b"x")
    linked.request("eve", b"x", print, priority="urgent")
    linked.service("bob").Greet("x")
    assert wants(sent) == [
        ("link", "bob", {"priority": "normal", "slots": 64, "arena": 4096}),
        ("link", "eve", {"priority": "urgent", "slots": 0, "arena": 0}),
    ]


def test_topics_types_and_members_are_asked_for(linked: Context, sent: list[wire.Up]) -> None:
    linked.subscribe("bob/*", print)
    linked.subscribe(5, print)
    linked.broadcast("custom", b"x")
    assert linked.publish("x", b"") == 0
    assert wants(sent) == [
        ("subscribe", "bob/*", None),
        ("subscribe", "#5", None),
        ("members", "custom", None),
        ("routes", "", None),
    ]


def test_receive_returns_when_time_is_over(linked: Context) -> None:
    assert linked.receive(0) is None


def test_another_exod_is_told_what_there_is_even_if_a_function_raises(
    linked: Context, sent: list[wire.Up], told: list[tuple[Any, str]]
) -> None:
    linked.subscribe("bob/*", print)
    sent.clear()
    linked.read_setting("a.b", lambda value, refused: told.append((value, refused)))
    linked.read_setting("a.b", lambda value, refused: 1 / 0)
    linked.read_setting("a.b", lambda value, refused: told.append((value, refused)))
    with pytest.raises(ZeroDivisionError):
        abandon(linked)
    assert told == [(None, "exod was restarted before it answered")] * 2
    assert wants(sent)[3:] == [("held", "", []), ("subscribe", "bob/*", None)]
