"""Whatever one end says, the other answers with refusals and strikes, and goes on or ends in order."""

import asyncio
import contextlib
import socket
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exod.errors import Refused
from exod.supervisor.channel import Channel
from exosdk import hooks, wire
from exosdk.post import Post
from exosdk.runner import Runner
from tests.exosdk import instances
from tests.exosdk.conversation import ask, live
from tests.exosdk.instances import HELLO, Heard, Peer, fresh_imports, pair, until

HERE = Path(instances.__file__).parent
SEEDED = settings(
    derandomize=True, max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow], database=None
)

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(0, 20)
    | st.sampled_from(["greeter", "Greet", "Count", "", "x" * 300, b"\xff"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["Count", "a", "values"]), inner, max_size=2)
    ),
    max_leaves=6,
)
TAGS = st.sampled_from(
    [
        "hello",
        "ready",
        "failed",
        "reply",
        "fault",
        "pong",
        "passed",
        "emit",
        "changed",
        "go",
        "call",
        "ping",
        "epoch",
        "bye",
    ]
)
SHAPED = st.builds(lambda tag, rest: msgspec.msgpack.encode([tag, *rest]), TAGS, st.lists(VALUES, max_size=8))
PLAUSIBLE = st.one_of(
    st.builds(lambda n, v: wire.encode(wire.Reply(n, wire.pack(v))), st.integers(0, 5), VALUES),
    st.builds(lambda n: wire.encode(wire.Fault(n, "E", "m")), st.integers(0, 5)),
    st.builds(lambda n: wire.encode(wire.Pong(n)), st.integers(0, 3)),
    st.builds(
        lambda s, n, v: wire.encode(wire.Emit(s, n, wire.pack(v))), st.just("greeter"), st.just("Greeted"), VALUES
    ),
    st.builds(lambda v: wire.encode(wire.Changed("greeter", wire.pack(v))), VALUES),
    st.just(wire.encode(HELLO)),
)
MESSAGES = st.lists(SHAPED | PLAUSIBLE | st.binary(min_size=1, max_size=60), max_size=25)


async def converse(messages: list[bytes]) -> None:
    loop = asyncio.get_running_loop()
    blown: list[dict[str, Any]] = []
    loop.set_exception_handler(lambda _, context: blown.append(context))
    peer, heard = Peer(), Heard()
    channel = Channel(peer.end, heard)
    await live(channel, peer)
    asked = [ask(channel, "x") for _ in range(3)]
    await asyncio.sleep(0)
    for message in messages:
        with contextlib.suppress(BrokenPipeError):
            peer.say(message)
    peer.close()
    for task in asked:
        with contextlib.suppress(Refused):
            assert isinstance(await task, list)
    await until(lambda: channel._gone)
    channel.close()
    assert blown == []
    assert all(reason.isprintable() for reason in heard.strikes + heard.illnesses)


@given(MESSAGES)
@SEEDED
def test_an_instance_that_says_anything_gets_strikes_and_its_callers_get_answers(messages: list[bytes]) -> None:
    asyncio.run(converse(messages))


def receive(end: socket.socket) -> bytes:
    """A close before all was read is a reset first, then what was said before."""
    try:
        return end.recv(wire.MAX_FRAME)
    except ConnectionResetError:
        return end.recv(wire.MAX_FRAME)


DOWN = st.one_of(
    st.builds(
        lambda kind, member, value: wire.encode(wire.Call(1, kind, "greeter", member, wire.pack(value), "x", 0, 1.0)),
        st.sampled_from(["hook", "method", "get", "set", "other"]),
        st.sampled_from(["Greet", "Pair", "Fail", "Count", "Tone", "start", "configure", "health", "__init__"]),
        VALUES,
    ),
    st.just(wire.encode(wire.Ping(1))),
    st.just(wire.encode(wire.Epoch(2))),
    SHAPED,
    st.binary(min_size=1, max_size=60),
)


@given(st.lists(DOWN, max_size=12))
@SEEDED
def test_a_supervisor_that_says_anything_gets_frames_or_ends_the_instance(messages: list[bytes]) -> None:
    end, theirs = pair()
    go = wire.Go(1, "p", "1", "custom", "greeter_plugin:Greeter", {"word": "x"}, {}, (SERVICE,), 5.0)
    for message in (wire.encode(go), *messages, wire.encode(wire.Bye())):
        end.send(message)
    post = Post(theirs.detach())
    runner = Runner(post, manager=hooks.manager(), code=str(HERE), state="")
    with fresh_imports("greeter_plugin"), contextlib.suppress(wire.MalformedError):
        assert runner.run(HELLO) == 0
    post.close()
    with end:
        while data := receive(end):
            wire.decode_up(data)


SERVICE = wire.Service(
    "greeter",
    "a.b",
    (wire.Method("Greet", "s", "s"), wire.Method("Pair", "ii", "ii"), wire.Method("Fail", "s", "s")),
    (wire.Signal("Greeted", "s"),),
    (wire.Property("Count", "u", "read"), wire.Property("Tone", "s", "readwrite")),
)


@pytest.fixture(autouse=True)
def quiet(capfd: Any) -> Any:
    """Faults leave tracebacks in the plugin's log; here nobody reads them."""
    yield
    capfd.readouterr()
