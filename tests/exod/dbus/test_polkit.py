"""The real polkitd decides; whatever goes wrong on the way is a no."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from exod.dbus import polkit
from exod.dbus.codec import INTERACTIVE, Outgoing
from exod.dbus.polkit import Verdict
from exod.dbus.wire import BusLost, CallFailed
from exod.names import plugin_path
from tests.exod.dbus import polkits
from tests.exod.dbus import rig as rigs
from tests.exod.dbus.fake import plugin_view
from tests.exod.dbus.polkits import GAMES, MAN, NEWS
from tests.exod.dbus.rig import PLUGIN, Failed, Rig

HELLO = plugin_path("hello")
MANAGE = "org.exoos.exod1.manage-plugins"


@pytest.fixture(scope="module")
def judged_daemon():
    with rigs.daemon() as daemon, polkits.polkitd(daemon):
        yield daemon


@pytest.fixture
async def judged(judged_daemon: rigs.Daemon) -> AsyncIterator[Rig]:
    async with rigs.serving(judged_daemon) as rig, rigs.client(rig.address) as root:
        await rigs.owned(root, "org.freedesktop.PolicyKit1")
        rig.supervisor.plugins["hello"] = plugin_view("hello")
        rig.face.plugin("hello")
        rig.face.flush()
        yield rig


async def attempt(rig: Rig, uid: int, member: str = "Start", *, flags: int = 0) -> str:
    async with rigs.client_as(rig.address, uid) as client:
        try:
            await client.call(member, path=HELLO, interface=PLUGIN, flags=flags)
        except Failed as failed:
            return failed.name.rpartition(".")[2]
        return "done"


@pytest.mark.parametrize(
    ("uid", "outcome"),
    [(0, "done"), (GAMES, "done"), (MAN, "NotAuthorized"), (NEWS, "InteractiveAuthorizationRequired")],
)
@pytest.mark.parametrize("member", ["Start", "GetConfig"])
async def test_polkit_decides_for_everybody_but_root(judged: Rig, uid: int, outcome: str, member: str) -> None:
    assert await attempt(judged, uid, member) == outcome
    assert len(judged.supervisor.refusals) == (outcome != "done")


async def test_who_may_be_asked_and_has_no_agent_is_refused(judged: Rig) -> None:
    assert await attempt(judged, NEWS, flags=INTERACTIVE) == "NotAuthorized"


async def test_the_message_polkit_would_show_names_verb_and_plugin(judged: Rig) -> None:
    """polkit refuses details to whoever is not trusted with them: that it answers shows that ours are taken."""
    wire = judged.bus.wire
    assert wire
    async with rigs.client_as(judged.address, GAMES) as client:
        details = {"verb": "start", "plugin": "hello"}
        verdict = await polkit.check(wire, sender=client.name, action=MANAGE, details=details, interactive=True)
    assert verdict == Verdict(authorized=True)


async def test_a_caller_that_is_gone_is_refused(judged: Rig) -> None:
    """THREATS 20, CVE-2021-3560."""
    wire = judged.bus.wire
    assert wire
    async with rigs.client_as(judged.address, GAMES) as client:
        name = client.name
    verdict = await polkit.check(wire, sender=name, action=MANAGE, details={}, interactive=False)
    assert not verdict.authorized
    assert "could not decide" in verdict.problem


async def test_an_action_that_polkit_does_not_know_is_refused(judged: Rig) -> None:
    wire = judged.bus.wire
    assert wire
    async with rigs.client_as(judged.address, GAMES) as client:
        verdict = await polkit.check(
            wire, sender=client.name, action="org.exoos.exod1.nope", details={}, interactive=False
        )
    assert not verdict.authorized


async def test_without_polkit_only_root_may(rig: Rig) -> None:
    rig.supervisor.plugins["hello"] = plugin_view("hello")
    rig.face.plugin("hello")
    rig.face.flush()
    assert await attempt(rig, GAMES) == "NotAuthorized"
    assert await attempt(rig, 0) == "done"


class Broken:
    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.members: list[str] = []
        self.flags: list[int] = []

    async def call(self, message: Outgoing, **_: Any) -> Any:
        self.members.append(message.member)
        if message.member == "CancelCheckAuthorization":
            return []
        self.flags.append(message.body[3])
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        ([[True, False, {}]], Verdict(authorized=True)),
        ([[False, True, {}]], Verdict(authorized=False, challenge=True)),
        (CallFailed("a.b.C", "x"), Verdict(authorized=False, problem="polkit could not decide (a.b.C)")),
        (BusLost("x"), Verdict(authorized=False, problem="the bus was lost")),
        (TimeoutError(), Verdict(authorized=False, problem="polkit did not answer in time")),
    ],
)
async def test_every_answer_has_its_verdict(answer: Any, verdict: Verdict) -> None:
    bus = Broken(answer)
    assert await polkit.check(bus, sender=":1.1", action="a", details={}, interactive=False) == verdict
    assert bus.flags == [0]
    assert ("CancelCheckAuthorization" in bus.members) is isinstance(answer, TimeoutError)


async def test_people_may_be_asked_only_when_the_caller_allows_it() -> None:
    bus = Broken([[True, False, {}]])
    await polkit.check(bus, sender=":1.1", action="a", details={}, interactive=True)
    assert bus.flags == [1]
    await asyncio.sleep(0)
