from exoctl import reach
from exod.package import manifest

BASE = """
[package]
name = "hello"
version = "1.0.0"
type = "custom"
summary = "says hello"
license = "Apache-2.0"
critical = {critical}
[entry]
python = "hello:Hello"
"""
ALL = """
[dependencies]
netcore = ">=1.2"
codec = {version = ">=1", optional = true}
libc = "posix-x-compat"
[sandbox]
filesystem = ["read-only:/etc/os-release", "read-write:/srv/x"]
network = ["tcp:example.org:443", "listen:udp:5353", "udp:192.0.2.1:53"]
ipc = ["echo"]
hardware = ["usb:0403:6001"]
processes = true
ai = ["gpu.compute"]
config = ["read:system.hostname", "write:echo.volume"]
custom = ["zeta"]
native = true
[services.hello]
interface = "org.example.Hello1"
access = "group:wheel"
methods.Greet = {in = "s", out = "s"}
"""


def sentences(text: str) -> list[str]:
    parsed = manifest.parse(text.encode())
    assert isinstance(parsed, manifest.Manifest), parsed
    return reach.sentences(parsed)


def test_every_permission_asked_for_has_its_sentence() -> None:
    said = "\n".join(sentences(BASE.format(critical="true") + ALL))
    for part in (
        "reads /etc/os-release", "reads and writes /srv/x", "to tcp:example.org:443", "the plugin echo",
        "is reached over the network at udp:5353", "to udp:192.0.2.1:53",
        "usb:0403:6001",
        "starts processes", "gpu.compute",
        "reads the setting system.hostname", "changes the setting echo.volume",
        "capability zeta", "machine code", "needs netcore >=1.2",
        "can use codec >=1", "needs libc posix-x-compat", "restarted",
        "org.example.Hello1 on D-Bus to group wheel: Greet",
    ):  # fmt: skip
        assert part in said


def test_a_plugin_that_asks_for_nothing_reaches_nothing() -> None:
    first, *rest = sentences(BASE.format(critical="false"))
    assert first.startswith("reaches nothing of this host")
    assert len(rest) == 1


def test_every_limit_is_said() -> None:
    held = sentences(BASE.format(critical="false"))[-1]
    assert held.startswith(
        "is held to 64 MiB of memory, 20 % of one core, 10 MiB a second to and from disks, 8 threads"
    )
    assert "16 connections" in held


def test_no_permission_is_without_a_sentence() -> None:
    text = BASE.format(critical="false") + ALL
    parsed = manifest.parse(text.encode())
    assert isinstance(parsed, manifest.Manifest)
    count = sum(len(values) for values in parsed.permissions.asked().values())
    assert len(set(reach.held(parsed.permissions.asked()))) == count
