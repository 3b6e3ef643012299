"""The channel against a peer that does whatever a test wants: order, deadlines, loss, lies, adoption."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from exod.errors import Outcome
from exod.package.limits import Limits
from exod.supervisor import channel as module
from exod.supervisor.channel import Channel
from exod.supervisor.ports import Caller, Wanted
from exosdk import wire
from tests.exosdk.conversation import READY, ask, hear, live, refused
from tests.exosdk.instances import HELLO, NONCE, Heard, Peer, confinement, until


@pytest.fixture
def peer() -> Any:
    made = Peer()
    yield made
    made.close()


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
async def born(peer: Peer, heard: Heard) -> AsyncIterator[Channel]:
    channel = Channel(peer.end, heard)
    yield channel
    channel.close()
    channel.close()


@pytest.fixture
async def channel(born: Channel, peer: Peer) -> Channel:
    await live(born, peer)
    return born


# --- birth ------------------------------------------------------------------------------------------------------


async def test_a_wrong_nonce_is_refused(born: Channel, peer: Peer) -> None:
    peer.say(wire.Hello(1, b"x" * 16, 1, 1, {}))
    assert (await refused(born.hello(nonce=NONCE, deadline=5))).code == "wrong-nonce"


async def test_a_peer_of_other_protocols_is_refused(born: Channel, peer: Peer) -> None:
    peer.say(wire.Hello(1, NONCE, wire.PROTOCOL + 1, wire.PROTOCOL + 2, {}))
    refusal = await refused(born.hello(nonce=NONCE, deadline=5))
    assert refusal.code == "protocol-mismatch"


async def test_a_silent_birth_times_out(born: Channel) -> None:
    refusal = await refused(born.hello(nonce=NONCE, deadline=0.01))
    assert (refusal.code, refusal.outcome) == ("call-timeout", Outcome.TIMED_OUT)


@pytest.mark.parametrize("early", [True, False])
async def test_a_birth_that_ends_early_is_lost(born: Channel, peer: Peer, *, early: bool) -> None:
    if early:
        peer.close()
        await until(lambda: born._gone)
    hello = asyncio.ensure_future(born.hello(nonce=NONCE, deadline=5))
    await asyncio.sleep(0)
    peer.close()
    assert (await refused(hello)).code == "instance-lost"


async def test_a_plugin_that_cannot_be_used_is_refused_with_its_reason(born: Channel, peer: Peer) -> None:
    peer.say(HELLO)
    await born.hello(nonce=NONCE, deadline=5)
    going = asyncio.ensure_future(born.go(confinement(), deadline=5))
    await until(lambda: wire.Ready in born._milestones)
    peer.say(wire.Failed("method-missing", "the plugin has no method greet"))
    refusal = await refused(going)
    assert (refusal.code, refusal.evidence["reason"]) == ("plugin-unusable", "method-missing")


async def test_a_confinement_that_fits_no_message_is_refused(born: Channel) -> None:
    refusal = await refused(born.go(confinement(config={"word": "x" * 70_000}), deadline=5))
    assert refusal.code == "call-too-large"


async def test_a_second_hello_and_an_early_ready_are_strikes(born: Channel, peer: Peer, heard: Heard) -> None:
    for frame in (HELLO, HELLO, READY):
        peer.say(frame)
    await until(lambda: len(heard.strikes) == 2)
    assert heard.strikes == ["it sent hello when nobody asked", "it sent ready when nobody asked"]
    await born.hello(nonce=NONCE, deadline=5)
    peer.say(HELLO)
    await until(lambda: len(heard.strikes) == 3)


# --- questions --------------------------------------------------------------------------------------------------


async def test_one_question_is_sent_at_a_time(channel: Channel, peer: Peer) -> None:
    first, second = ask(channel, "a"), ask(channel, "b")
    call = await hear(peer, channel)
    assert (call.caller, call.uid, wire.unpack(call.arguments)) == (":1.7", 1000, ["a"])
    assert [question.data for question in channel._queue] != []
    peer.say(wire.Reply(call.id, wire.pack(["A"])))
    assert await first == ["A"]
    call = await hear(peer, channel)
    peer.say(wire.Reply(call.id, wire.pack(["B"])))
    assert await second == ["B"]


async def test_a_hook_goes_before_the_questions_that_wait(channel: Channel, peer: Peer) -> None:
    first, second = ask(channel, "a"), ask(channel, "b")
    call = await hear(peer, channel)
    hook = asyncio.ensure_future(channel.hook("stop", {}, deadline=5))
    await asyncio.sleep(0)
    peer.say(wire.Reply(call.id, wire.pack(["A"])))
    await first
    asked = await hear(peer, channel)
    assert (asked.kind, asked.member, asked.caller) == ("hook", "stop", "exod")
    peer.say(wire.Reply(asked.id, wire.NOTHING))
    assert await hook is None
    second.cancel()


async def test_a_question_past_its_deadline_is_answered_and_its_late_answer_is_no_lie(
    channel: Channel, peer: Peer, heard: Heard
) -> None:
    late, waiting = ask(channel, "a", deadline=0.01), ask(channel, "b")
    call = await hear(peer, channel)
    refusal = await refused(late)
    assert (refusal.code, refusal.outcome) == ("call-timeout", Outcome.TIMED_OUT)
    assert channel._asked is not None
    assert channel._asked.id == call.id
    peer.say(wire.Reply(call.id, wire.pack(["too late"])))
    await until(lambda: channel._asked is not None and channel._asked.id != call.id)
    following = await hear(peer, channel)
    peer.say(wire.Reply(following.id, wire.pack(["B"])))
    assert await waiting == ["B"]
    assert heard.strikes == []


async def test_a_question_that_waited_past_its_deadline_is_never_sent(channel: Channel, peer: Peer) -> None:
    first, waiting = ask(channel, "a"), ask(channel, "b", deadline=0.01)
    call = await hear(peer, channel)
    assert (await refused(waiting)).code == "call-timeout"
    peer.say(wire.Reply(call.id, wire.pack(["A"])))
    await first
    assert channel._asked is None
    assert not channel._queue


async def test_a_caller_who_gives_up_withdraws_a_question_that_waits(channel: Channel, peer: Peer) -> None:
    first, waiting = ask(channel, "a"), ask(channel, "b")
    await hear(peer, channel)
    await until(lambda: channel._queue)
    waiting.cancel()
    await until(lambda: not channel._queue)
    first.cancel()
    await until(first.done)
    assert channel._asked is not None


async def test_questions_beyond_the_queue_are_refused(channel: Channel, peer: Peer) -> None:
    tasks = [ask(channel, "a") for _ in range(module.QUEUE + 1)]
    await until(lambda: len(channel._queue) == module.QUEUE)
    assert (await refused(ask(channel, "b"))).code == "plugin-busy"
    others = Caller(":1.99", 4242)
    tasks.append(asyncio.ensure_future(channel.ask(Wanted("method", "greeter", "Greet", ["c"]), others, deadline=5)))
    tasks.append(asyncio.ensure_future(channel.hook("stop", {}, deadline=5)))
    await until(lambda: len(channel._queue) == module.QUEUE + 2)
    assert channel._queue[0].action == "run stop"
    for task in tasks:
        task.cancel()


async def test_a_fault_is_told_to_the_caller_only(channel: Channel, peer: Peer, heard: Heard) -> None:
    asked = ask(channel, "a")
    call = await hear(peer, channel)
    peer.say(wire.Fault(call.id, "ValueError", "no"))
    assert (await refused(asked)).code == "plugin-fault"
    assert heard.strikes == []


@pytest.mark.parametrize("answer", [b"\xa1\xff", b"\xa1x"])
async def test_an_answer_that_is_no_list_of_results_is_a_strike(
    channel: Channel, peer: Peer, heard: Heard, answer: bytes
) -> None:
    asked = ask(channel, "a")
    call = await hear(peer, channel)
    peer.say(b"\x93\xa5reply" + bytes([call.id]) + answer)
    assert (await refused(asked)).code == "bad-reply"
    assert len(heard.strikes) == 1


async def test_answers_to_questions_never_asked_are_strikes_and_too_many_end_the_channel(
    channel: Channel, peer: Peer, heard: Heard
) -> None:
    asked = ask(channel, "a")
    await hear(peer, channel)
    for number in range(100, 100 + module.STRIKES):
        peer.say(wire.Reply(number, wire.NOTHING))
    assert (await refused(asked)).code == "instance-lost"
    assert heard.strikes[0] == "it answered question 100, which was not asked"
    assert heard.illnesses == [f"it broke the channel's rules {module.STRIKES} times"]


async def test_a_lost_instance_is_told_to_all_who_wait_and_to_who_asks_later(channel: Channel, peer: Peer) -> None:
    first, second = ask(channel, "a"), ask(channel, "b")
    await hear(peer, channel)
    peer.close()
    assert {(await refused(first)).code, (await refused(second)).code} == {"instance-lost"}
    assert (await refused(ask(channel, "c"))).code == "instance-lost"


async def test_a_closed_channel_answers_all_who_wait(channel: Channel, peer: Peer) -> None:
    first = ask(channel, "a")
    await hear(peer, channel)
    channel.close()
    assert (await refused(first)).evidence == {"reason": "the channel was closed"}


# --- what it says unasked -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "frame",
    [
        wire.Emit("greeter", "Gone", wire.pack([])),
        wire.Emit("other", "Greeted", wire.pack([])),
        wire.Emit("greeter", "Greeted", wire.pack("x")),
        wire.Changed("greeter", wire.pack({"Colour": 1})),
        wire.Changed("other", wire.pack({"Count": 1})),
        wire.Changed("greeter", wire.pack({})),
        wire.Changed("greeter", wire.pack([1])),
        wire.Pong(7),
        wire.Pong(0),
        wire.Passed(1, "running"),
        wire.Failed("x", "y"),
    ],
    ids=lambda one: type(one).__name__,
)
async def test_what_no_honest_instance_says_is_a_strike(
    channel: Channel, peer: Peer, heard: Heard, frame: wire.Up
) -> None:
    peer.say(frame)
    await until(lambda: heard.strikes)
    assert (heard.signals, heard.properties, heard.illnesses) == ([], [], [])


async def test_declared_signals_and_properties_are_passed_on(channel: Channel, peer: Peer, heard: Heard) -> None:
    peer.say(wire.Emit("greeter", "Greeted", wire.pack(["Ada"])))
    peer.say(wire.Changed("greeter", wire.pack({"Count": 2})))
    await until(lambda: heard.properties)
    assert heard.signals == [("greeter", "Greeted", ["Ada"])]
    assert heard.properties == [("greeter", {"Count": 2})]


async def test_past_its_rate_an_instance_is_read_no_more_until_the_second_is_over(
    born: Channel, peer: Peer, heard: Heard
) -> None:
    await live(born, peer, limits=Limits(messages=10))
    for _ in range(30):
        peer.say(wire.Emit("greeter", "Greeted", wire.pack(["x"])))
    await until(lambda: not born._end._reading)
    assert len(heard.signals) <= 10
    for _ in range(3):
        assert born._refill is not None
        born._refill.cancel()
        born._replenish()
        await until(lambda: not born._end._reading or len(heard.signals) == 30)
    await until(lambda: len(heard.signals) == 30)


UNASKED = {
    "signals": wire.Emit("greeter", "Greeted", wire.pack(["x"])),
    "properties": wire.Changed("greeter", wire.pack({"Count": 2})),
    "questions": wire.Want(1, "read", "system.hostname", wire.pack(None)),
}


@pytest.mark.parametrize("kind", UNASKED)
async def test_of_what_nobody_asked_for_little_is_read_in_a_second_however_high_the_rate(
    born: Channel, peer: Peer, heard: Heard, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(module, "UNASKED", 10)
    await live(born, peer, limits=Limits(messages=100_000))
    for _ in range(30):
        peer.say(UNASKED[kind])
    await until(lambda: not born._end._reading)
    assert len(heard.signals) + len(heard.properties) + len(heard.wants) == 10
