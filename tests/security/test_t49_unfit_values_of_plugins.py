"""THREATS 49: what a plugin says and no wire can carry is an error to its caller; the daemon keeps its connection."""

from typing import Any

import pytest

from exod.names import service_path
from exod.package.services import Method, Property, Service, Signal
from tests.exod.dbus import rig as rigs
from tests.exod.dbus.rig import Failed

DEEP: Any = []
for _ in range(40):
    DEEP = [DEEP]
HOSTILE = Service(
    "hostile",
    "org.exoos.Hostile1",
    "any",
    methods=tuple(
        Method(f"Give{number}", "", kind) for number, kind in enumerate(("s", "o", "g", "v", "as", "a{sv}", "ay", "u"))
    ),
    signals=(Signal("Text", "s"), Signal("Any", "v")),
    properties=(Property("Text", "s"), Property("Path", "o")),
)
PATH = service_path("hostile", "hostile")
ANSWERS = [
    ("Give0", "a\0b"),
    ("Give0", "\ud800"),
    ("Give0", "x" * (70 << 20)),
    ("Give0", object()),
    ("Give1", "not/a/path"),
    ("Give1", "/a\0"),
    ("Give2", "a{"),
    ("Give2", "z"),
    ("Give3", DEEP),
    ("Give3", None),
    ("Give4", ["ok", "a\0b"]),
    ("Give5", {"a\0": 1}),
    ("Give5", {"a": DEEP}),
    ("Give6", bytes(1 << 20)),
    ("Give7", -1),
]


@pytest.fixture(scope="module")
def bus():
    with rigs.daemon() as daemon:
        yield daemon


@pytest.mark.parametrize(
    ("method", "value"), ANSWERS, ids=lambda value: value if isinstance(value, str) and len(value) < 9 else ""
)
async def test_an_answer_that_the_wire_cannot_carry(bus, method: str, value: Any) -> None:
    async with rigs.serving(bus) as rig, rigs.client(rig.address) as client:
        rig.face.offer("hostile", [HOSTILE])
        wire = rig.bus.wire
        rig.supervisor.answers[method] = [value]
        with pytest.raises(Failed, match="bad-answer"):
            await client.call(method, path=PATH, interface=HOSTILE.interface)
        assert [plugin for plugin, _ in rig.supervisor.strikes] == ["hostile"]
        assert await client.call("ListLoaded") == [[]]
        assert (rig.bus.wire, rig.bus._link.losses) == (wire, 0)


async def test_signals_and_changes_that_the_wire_cannot_carry(bus) -> None:
    async with rigs.serving(bus) as rig, rigs.client(rig.address) as client:
        rig.face.offer("hostile", [HOSTILE])
        await client.listen()
        for value in ("a\0b", "\ud800", 5, "x" * (1 << 20)):
            rig.face.emit("hostile", "hostile", "Text", [value])
            rig.face.changed("hostile", "hostile", {"Text": value, "Path": value})
        rig.face.emit("hostile", "hostile", "Any", [DEEP])
        rig.face.emit("hostile", "hostile", "Text", ["fine"])
        assert (await client.signal("Text")).body() == ["fine"]
        assert len(rig.supervisor.strikes) == 13
        assert rig.bus._link.losses == 0
