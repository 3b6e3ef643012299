"""Who a sender is, by the bus's word, and what the access rules make of it."""

import grp
import pwd

import pytest

from exod.dbus import authority as authorities
from exod.dbus.authority import Authority
from exod.errors import Refused
from tests.exod.dbus import rig as rigs
from tests.exod.dbus.polkits import GAMES, NEWS
from tests.exod.dbus.rig import Rig

AUDIO = grp.getgrnam("audio").gr_gid


def of(rig: Rig) -> Authority:
    assert rig.bus.wire
    return Authority(rig.bus.wire)


async def allowed(rig: Rig, access: str, uid: int, groups: tuple[int, ...] = ()) -> bool:
    async with rigs.client_as(rig.address, uid, groups) as client:
        try:
            caller = await of(rig).require(access, client.name, details={}, interactive=False)
        except Refused as refused:
            return refused.refusal.code != "not-authorized"
        return (caller.name, caller.uid) == (client.name, uid)


@pytest.mark.parametrize(
    ("access", "uid", "groups", "expected"),
    [
        ("any", NEWS, (), True),
        ("root", 0, (), True),
        ("root", NEWS, (), False),
        ("group:audio", NEWS, (AUDIO,), True),
        ("group:audio", NEWS, (), False),
        ("group:audio", 0, (), True),
        ("group:no-such-group", NEWS, (AUDIO,), False),
        ("polkit:org.exoos.exod1.manage-plugins", GAMES, (), False),
        ("what:ever", NEWS, (), False),
        ("", NEWS, (), False),
    ],
)
async def test_rules_of_access(rig: Rig, access: str, uid: int, groups: tuple[int, ...], expected: bool) -> None:
    assert await allowed(rig, access, uid, groups) is expected


@pytest.mark.parametrize(
    ("access", "expected"),
    [
        (f"uid:{NEWS}", True),
        ("uid:1", False),
        ("plugin:echo", False),
        ("uid:0", False),
        (f"group:audio & uid:{NEWS}", True),
        (f"uid:{NEWS} & group:games", False),
        (f"uid:{NEWS} & root", False),
    ],
)
async def test_every_rule_of_several_has_to_hold(rig: Rig, access: str, expected: bool) -> None:
    assert await allowed(rig, access, NEWS, (AUDIO,)) is expected


async def test_a_connection_that_is_gone_is_nobody(rig: Rig) -> None:
    async with rigs.client(rig.address) as client:
        name = client.name
    authority = of(rig)
    with pytest.raises(Refused, match="the caller is gone"):
        await authority.require("any", name, details={}, interactive=False)
    assert authority.known(name).uid == -1


async def test_the_uid_is_asked_for_once_and_few_are_remembered(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(authorities, "_REMEMBERED", 2)
    authority = of(rig)
    async with rigs.client(rig.address) as one, rigs.client(rig.address) as two, rigs.client(rig.address) as three:
        for client in (one, two, three):
            assert (await authority.caller(client.name)).uid == 0
        assert list(authority._uids) == [two.name, three.name]


def test_groups_the_bus_does_not_tell_are_those_of_the_account() -> None:
    """Older buses have no UnixGroupIDs."""
    account = pwd.getpwuid(NEWS)
    group = grp.getgrgid(account.pw_gid).gr_name
    assert authorities._groups_in({}) is None
    assert authorities._is_member(group, NEWS, None)
    assert not authorities._is_member("audio", NEWS, None)
    assert not authorities._is_member("audio", 123456, None)
