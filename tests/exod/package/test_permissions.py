"""The `[sandbox]` table."""

import pytest

from exod.package.malformed import MalformedError
from exod.package.permissions import TABLE, FileAccess, Permissions, file_access

EVERYTHING = {
    "filesystem": ["read-only:/etc/os-release", "read-write:/srv/data"],
    "network": ["tcp:example.org:443", "udp:[fe80::1]:53", "listen:tcp:8080"],
    "ipc": ["echo"],
    "hardware": ["usb:0403:6001"],
    "processes": True,
    "ai": ["gpu.compute"],
    "config": ["read:system.hostname", "write:echo.volume"],
    "custom": ["one"],
    "native": True,
}


def test_every_permission_is_parsed_and_spelled_as_it_was_asked() -> None:
    permissions = TABLE.read(EVERYTHING, at="sandbox")
    assert permissions.filesystem[0] == FileAccess("read-only", "/etc/os-release")
    spelled = {key: tuple(value) if isinstance(value, list) else ("true",) for key, value in EVERYTHING.items()}
    assert permissions.asked() == spelled


def test_nothing_is_asked_for_by_default() -> None:
    assert TABLE.read({}, at="sandbox") == Permissions()
    assert Permissions().asked() == {}


@pytest.mark.parametrize(
    "text",
    ["/etc/x", "read-only:etc/x", "read-only:/", "read-only:/etc/", "read-only:/etc//x", "read-only:/etc/../x"]
    + [
        "read-only:/./x",
        "write:/x",
        "read-only:/a b",
        "read-only:/a\nb",
        "read-only:/\u0430",
        "read-only:/a\\b",
        "read-only:",
    ],
)
def test_a_file_has_one_spelling(text: str) -> None:
    assert file_access(text) is None


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("network", ["tcp:example.org"]),
        ("network", ["tcp:example.org:0"]),
        ("network", ["tcp:example.org:65536"]),
        ("network", ["tcp:exa..mple:1"]),
        ("network", ["TCP:example.org:443"]),
        ("network", ["icmp:example.org:1"]),
        ("network", ["listen:tcp:0"]),
        ("network", ["listen:tcp:65536"]),
        ("network", ["listen:8080"]),
        ("network", ["listen:sctp:8080"]),
        ("ipc", ["Echo"]),
        ("ipc", ["echo", "echo"]),
        ("hardware", ["usb"]),
        ("custom", [f"c{n}" for n in range(33)]),
        ("filesystem", "read-only:/x"),
        ("filesystem", [1]),
        ("processes", 1),
        ("native", "yes"),
        ("everything", True),
    ],
)
def test_a_wrong_permission_is_refused_by_name(key: str, value: object) -> None:
    with pytest.raises(MalformedError) as caught:
        TABLE.read({key: value}, at="sandbox")
    assert caught.value.key.startswith(f"sandbox.{key}")
