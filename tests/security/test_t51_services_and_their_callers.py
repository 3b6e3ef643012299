"""THREATS 51: a service called by whom it is not meant for; names of others; one caller's failures."""

import grp
from dataclasses import replace

import pytest

from exod.names import service_path
from tests.exod.dbus import polkits
from tests.exod.dbus import rig as rigs
from tests.exod.dbus.fake import GREETER
from tests.exod.dbus.polkits import GAMES, MAN, NEWS
from tests.exod.dbus.rig import PROPERTIES, Failed

PATH = service_path("hello", "greeter")
AUDIO = grp.getgrnam("audio").gr_gid
MANAGE = "polkit:org.exoos.exod1.manage-plugins"


@pytest.fixture(scope="module")
def bus():
    with rigs.daemon() as daemon, polkits.polkitd(daemon):
        yield daemon


@pytest.mark.parametrize(
    ("access", "uid", "groups", "allowed"),
    [
        ("root", 0, (), True),
        ("root", GAMES, (0, AUDIO), False),
        ("group:audio", NEWS, (AUDIO,), True),
        ("group:audio", NEWS, (), False),
        (MANAGE, GAMES, (), True),
        (MANAGE, MAN, (), False),
        ("any", NEWS, (), True),
    ],
)
async def test_a_service_is_for_whom_its_manifest_says(bus, access, uid, groups, allowed) -> None:
    async with rigs.serving(bus) as rig, rigs.client(rig.address) as root:
        await rigs.owned(root, "org.freedesktop.PolicyKit1")
        rig.face.offer("hello", [replace(GREETER, access=access)])
        rig.supervisor.answers["Add"] = [3]
        async with rigs.client_as(rig.address, uid, groups) as client:
            outcomes = []
            for member, signature, body, interface in (
                ("Add", "ii", [1, 2], GREETER.interface),
                ("Get", "ss", [GREETER.interface, "Count"], PROPERTIES),
                ("GetAll", "s", [GREETER.interface], PROPERTIES),
            ):
                try:
                    await client.call(member, signature, body, path=PATH, interface=interface)
                    outcomes.append(True)
                except Failed as failed:
                    outcomes.append(failed.body[1])
        assert outcomes == [True if allowed else "not-authorized"] * 3
        assert len(rig.supervisor.called) == allowed


@pytest.mark.parametrize(
    "interface",
    ["org.freedesktop.DBus.Properties", "org.freedesktop.login1.Manager", "org.exoos.Exod1", "org.exoos.Exod1.Manager"],
)
async def test_the_interfaces_of_others_are_never_shown(bus, interface: str) -> None:
    async with rigs.serving(bus) as rig:
        rig.face.offer("hello", [replace(GREETER, interface=interface)])
        assert PATH not in rig.bus._dispatcher.objects


async def test_one_callers_mistakes_are_no_strikes_against_the_plugin(bus) -> None:
    async with rigs.serving(bus) as rig, rigs.client_as(rig.address, NEWS) as client:
        rig.face.offer("hello", [GREETER])
        for member, signature, body in (
            ("Add", "ss", ["1", "2"]),
            ("Add", "", []),
            ("Nope", "", []),
            ("Greet", "s", ["x" * (280 << 10)]),
        ):
            for _ in range(10):
                with pytest.raises(Failed):
                    await client.call(member, signature, body, path=PATH, interface=GREETER.interface)
        assert (rig.supervisor.strikes, rig.supervisor.called) == ([], [])


async def test_signals_of_a_closed_service_are_for_those_who_may_call_it(bus) -> None:
    async with rigs.serving(bus) as rig, rigs.client(rig.address) as root:
        async with rigs.client_as(rig.address, NEWS) as spy:
            await spy.listen()
            rig.face.offer("hello", [replace(GREETER, access="root")])
            await root.get(PATH, GREETER.interface, "Count")
            rig.face.emit("hello", "greeter", "Greeted", ["secret"])
            rig.face.changed("hello", "greeter", {"Mood": "secret"})
            assert (await root.signal("Greeted")).body() == ["secret"]
            await root.signal("PropertiesChanged")
            rig.face.withdraw("hello")
            await spy.signal("InterfacesRemoved")
            assert spy.seen.isdisjoint({"Greeted", "PropertiesChanged"})
