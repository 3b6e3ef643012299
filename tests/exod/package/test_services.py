"""The `[services]` tables and the D-Bus grammar in them."""

from typing import Any

import pytest

from exod.package.malformed import MalformedError
from exod.package.services import TABLE, Method, Property, Service, Signal, interface_name

HELLO = {
    "interface": "org.example.Hello1",
    "access": "group:audio",
    "methods": {"Greet": {"in": "s", "out": "s", "idempotent": True}, "Reset": {}},
    "signals": {"Greeted": "s"},
    "properties": {"Count": {"type": "u"}, "Tone": {"type": "s", "access": "readwrite"}},
}


def test_a_service_is_parsed_whole() -> None:
    assert TABLE.read({"hello": HELLO}, at="services") == (
        Service(
            "hello",
            "org.example.Hello1",
            "group:audio",
            (Method("Greet", "s", "s", idempotent=True), Method("Reset")),
            (Signal("Greeted", "s"),),
            (Property("Count", "u"), Property("Tone", "s", "readwrite")),
        ),
    )


@pytest.mark.parametrize(
    "name",
    ["org.freedesktop.DBus", "org.freedesktop.systemd1.Manager", "org.exoos.Exod1", "org.exoos.Exod1.Manager"]
    + ["org.exoos.Exod12", "org.exoos.exod1.X", "ORG.FreeDesktop.X", "org.freedesktop", "Hello", "org..x", ".org.x"]
    + ["org.1x.y", "org.ex-ample.X", "org.ex\u0430mple.X", "org.example.X\n", ""],
)
def test_an_interface_of_others_or_no_interface_is_refused(name: str) -> None:
    assert interface_name(name) is None


@pytest.mark.parametrize("name", ["org.example.Hello1", "org.exoos.HostPulse1", "org.freedesktopper.X", "de.x_y.Z"])
def test_an_interface_of_its_own_is_taken(name: str) -> None:
    assert interface_name(name) == name


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"interface": "org.freedesktop.X"}, "services.hello.interface"),
        ({"access": "everyone"}, "services.hello.access"),
        ({"access": "group:"}, "services.hello.access"),
        ({"methods": {"greet": {}}}, "services.hello.methods.greet"),
        ({"methods": {"Greet": {"in": "h"}}}, "services.hello.methods.Greet.in"),
        ({"methods": {"Greet": {"in": "a"}}}, "services.hello.methods.Greet.in"),
        ({"methods": {"Greet": {"in": "s" * 65}}}, "services.hello.methods.Greet.in"),
        ({"methods": {"Greet": {"inn": "s"}}}, "services.hello.methods.Greet.inn"),
        ({"methods": {f"M{n}": {} for n in range(65)}}, "services.hello.methods"),
        ({"signals": {"Greeted": "("}}, "services.hello.signals.Greeted"),
        ({"properties": {"Count": {"type": "uu"}}}, "services.hello.properties.Count.type"),
        ({"properties": {"Count": {"type": ""}}}, "services.hello.properties.Count.type"),
        ({"properties": {"Count": {"type": "u", "access": "write"}}}, "services.hello.properties.Count.access"),
        ({"properties": {"Greet": {"type": "u"}}}, "services.hello"),
    ],
)
def test_a_wrong_service_is_refused_by_name(changes: dict[str, Any], key: str) -> None:
    with pytest.raises(MalformedError) as caught:
        TABLE.read({"hello": HELLO | changes}, at="services")
    assert caught.value.key == key
