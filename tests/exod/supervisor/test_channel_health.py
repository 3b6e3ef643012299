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


# --- adoption -----------------------------------------------------------------------------------------------------


async def test_before_the_barrier_answers_belong_to_an_earlier_supervisor(peer: Peer, heard: Heard) -> None:
    for frame in (wire.Reply(7, wire.pack(1)), wire.Pong(9), wire.Emit("greeter", "Greeted", wire.pack(["x"]))):
        peer.say(frame)
    channel = Channel(peer.end, heard, epoch=3)
    crossing = asyncio.ensure_future(channel.barrier(3, deadline=5))
    await until(lambda: wire.Passed in channel._milestones)
    assert peer.hear() == wire.Epoch(3)
    peer.say(wire.Passed(3))
    assert list(await crossing) == [7]
    channel.expect(confinement())
    asked = ask(channel, "a")
    call = await hear(peer, channel)
    assert call.id >> 32 == 3
    peer.say(wire.Reply(call.id, wire.pack(["A"])))
    assert await asked == ["A"]
    peer.say(wire.Reply(7, wire.NOTHING))
    await until(lambda: heard.strikes)
    channel.close()
