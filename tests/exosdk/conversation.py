"""What tests of the channel say again and again: bring it to life, ask, hear the question, expect a refusal."""

import asyncio
from collections.abc import Awaitable
from typing import Any

import pytest

from exod.errors import Refusal, Refused
from exod.supervisor.channel import Channel
from exod.supervisor.ports import Caller, Wanted
from exosdk import wire
from tests.exosdk.instances import HELLO, NONCE, Peer, confinement, until

ADA = Caller(":1.7", 1000)
READY = wire.Ready(1, (), ("greeter",))


async def live(channel: Channel, peer: Peer, **changes: Any) -> None:
    peer.say(HELLO)
    await channel.hello(nonce=NONCE, deadline=5)
    going = asyncio.ensure_future(channel.go(confinement(**changes), deadline=5))
    await until(lambda: wire.Ready in channel._milestones)
    assert isinstance(peer.hear(), wire.Go)
    peer.say(READY)
    await going


def ask(channel: Channel, *arguments: Any, deadline: float = 5.0) -> "asyncio.Task[Any]":
    return asyncio.ensure_future(channel.ask(Wanted("method", "greeter", "Greet", arguments), ADA, deadline=deadline))


async def hear(peer: Peer, channel: Channel) -> wire.Call:
    await until(lambda: channel._asked is not None)
    call = peer.hear()
    assert isinstance(call, wire.Call)
    return call


async def refused(task: Awaitable[Any]) -> Refusal:
    with pytest.raises(Refused) as caught:
        await task
    return caught.value.refusal
