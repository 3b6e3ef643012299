"""Health, suspension and adoption: the channel while its instance stalls, freezes or changes supervisors."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from exod.supervisor.channel import Channel
from exosdk import wire
from tests.exosdk.conversation import ask, hear, live, refused
from tests.exosdk.instances import Heard, Peer, confinement, until


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


# --- health -------------------------------------------------------------------------------------------------------


def tick(channel: Channel) -> None:
    """As when the interval is over."""
    assert channel._ticker is not None
    channel._ticker.cancel()
    channel._tick()


async def test_three_pings_missed_in_a_row_make_it_unhealthy_once(channel: Channel, peer: Peer, heard: Heard) -> None:
    for _ in range(6):
        tick(channel)
    assert heard.illnesses == ["it missed 3 pings in a row"]
    assert isinstance(peer.hear(), wire.Ping)


async def test_an_answered_ping_makes_good_for_those_missed(channel: Channel, peer: Peer, heard: Heard) -> None:
    for _ in range(4):
        tick(channel)
        tick(channel)
        ping = peer.hear()
        assert isinstance(ping, wire.Ping)
        peer.say(wire.Pong(ping.number))
        await until(lambda: channel._missed == 0)
    assert heard.illnesses == []


async def test_no_ping_is_sent_during_a_question_within_its_deadline(
    channel: Channel, peer: Peer, heard: Heard
) -> None:
    pinged = channel._pinged
    asked = ask(channel, "a")
    await hear(peer, channel)
    for _ in range(10):
        tick(channel)
    assert (channel._pinged, heard.illnesses) == (pinged, [])
    asked.cancel()
    await until(asked.done)
    tick(channel)
    assert channel._pinged == pinged


async def test_a_plugin_stuck_past_a_deadline_is_found_by_pings(channel: Channel, peer: Peer, heard: Heard) -> None:
    asked = ask(channel, "a", deadline=0.01)
    await hear(peer, channel)
    await refused(asked)
    for _ in range(4):
        tick(channel)
    assert heard.illnesses == ["it missed 3 pings in a row"]


async def test_an_end_of_the_channel_without_a_death_is_found_by_pings(
    channel: Channel, peer: Peer, heard: Heard
) -> None:
    peer.close()
    await until(lambda: channel._gone)
    assert heard.illnesses == []
    for _ in range(4):
        tick(channel)
    assert heard.illnesses == ["it missed 3 pings in a row"]


async def test_deadlines_and_pings_stand_still_while_paused(channel: Channel, peer: Peer, heard: Heard) -> None:
    asked = ask(channel, "a")
    call = await hear(peer, channel)
    channel.pause()
    for _ in range(6):
        tick(channel)
    assert channel._asked is not None
    assert channel._asked._timer is None
    assert (await refused(ask(channel, "b"))).code == "plugin-suspended"
    channel.unpause()
    peer.say(wire.Reply(call.id, wire.pack(["A"])))
    assert await asked == ["A"]
    assert heard.illnesses == []


async def test_what_nobody_asked_is_not_said_to_one_that_sleeps_and_an_answer_is(channel: Channel, peer: Peer) -> None:
    channel.pause()
    assert not channel.tell(wire.Part(1, "stopped"))
    assert channel.tell(wire.Given(1, wire.NOTHING, ""))
    channel.unpause()
    assert channel.tell(wire.Part(2, "stopped"))
    assert [peer.hear(), peer.hear()] == [wire.Given(1, wire.NOTHING, ""), wire.Part(2, "stopped")]


async def test_what_nobody_asked_takes_no_place_of_what_is_called(channel: Channel, peer: Peer) -> None:
    said = 0
    while channel.tell(wire.Route("other", ("x" * 10_000,))):
        said += 1
    asked = ask(channel, "a")
    assert [type(peer.hear()) for _ in range(said)] == [wire.Route] * said
    call = await hear(peer, channel)
    peer.say(wire.Reply(call.id, wire.pack(["A"])))
    assert await asked == ["A"]


# --- adoption -----------------------------------------------------------------------------------------------------


@pytest.fixture
async def adopted(born: Channel, peer: Peer) -> Channel:
    born.adopt(confinement(), epoch=3)
    assert peer.hear() == wire.Epoch(3)
    return born


async def test_before_its_echo_an_adopted_instance_speaks_to_somebody_who_is_gone(
    adopted: Channel, peer: Peer, heard: Heard
) -> None:
    asked = ask(adopted, "a")
    for frame in (wire.Reply(7, wire.pack(1)), wire.Pong(9), wire.Emit("greeter", "Greeted", wire.pack(["x"]))):
        peer.say(frame)
    peer.say(wire.Passed(2, "loaded"))
    peer.say(wire.Passed(3, "running"))
    assert await adopted.passed() == "running"
    call = await hear(peer, adopted)
    assert call.id >> 32 == 3
    peer.say(wire.Reply(call.id, wire.pack(["A"])))
    assert await asked == ["A"]
    assert (heard.strikes, heard.signals) == ([], [])


@pytest.mark.parametrize(
    "frame", [wire.Reply(7, wire.NOTHING), wire.Passed(3, "running"), wire.Hello(1, b"n", 1, 1, {})]
)
async def test_after_its_echo_it_is_held_to_every_word(
    adopted: Channel, peer: Peer, heard: Heard, frame: wire.Up
) -> None:
    peer.say(wire.Passed(3, "running"))
    await adopted.passed()
    peer.say(frame)
    await until(lambda: heard.strikes)


async def test_an_adopted_instance_that_never_echoes_is_found_out_by_its_pings(
    adopted: Channel, peer: Peer, heard: Heard
) -> None:
    assert adopted._barrier is not None
    adopted._barrier._expire()
    assert (await refused(adopted.passed())).code == "call-timeout"
    for _ in range(5):
        tick(adopted)
    assert heard.illnesses == ["it missed 3 pings in a row"]


async def test_an_adopted_instance_that_is_frozen_has_its_time_when_it_wakes(
    adopted: Channel, peer: Peer, heard: Heard
) -> None:
    adopted.pause()
    for _ in range(6):
        tick(adopted)
    adopted.unpause()
    woken = asyncio.ensure_future(adopted.hook("resume", {}, deadline=5))
    peer.say(wire.Passed(3, "suspended"))
    await adopted.passed()
    call = await hear(peer, adopted)
    assert call.member == "resume"
    peer.say(wire.Reply(call.id, wire.NOTHING))
    await woken
    assert heard.illnesses == []
