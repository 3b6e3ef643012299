"""A plugin with a network of its own on a real daemon, in a network of the tests' own: it serves, is refused, goes."""

import socket
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from exod.brokers.network.own import link
from exosdk.testing.daemon import Daemon
from tests.exod.brokers.network.own import apart
from tests.exod.brokers.network.own.apart import HOST, bound

MANIFEST = f"""
[package]
name = "server"
version = "1.0.0"
type = "custom"
summary = "serves and asks"
license = "Apache-2.0"
[entry]
python = "server:Server"
[sandbox]
network = ["listen:tcp:8080", "udp:{HOST}:9000"]
[limits]
tasks = 4
[services.server]
interface = "org.example.Server1"
access = "root"
methods.Send = {{in = "qs", out = "s"}}
"""
CODE = f"""
import socket
import threading


class Server:
    def __init__(self, context):
        try:
            self.end = socket.create_server(("", 8080))
        except OSError:
            return
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            taken, _ = self.end.accept()
            taken.sendall(b"hello")
            self.kept = taken

    def send(self, port, text):
        try:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as end:
                end.sendto(text.encode(), ("{HOST}", port))
            return "sent"
        except OSError as error:
            return "refused: " + type(error).__name__
"""


@dataclass
class Lab:
    daemon: Daemon

    def about(self) -> dict[str, object]:
        found: dict[str, object] = self.daemon.exoctl("plugin", "info", "server")
        return found

    def address(self) -> str:
        return str(self.about()["security_context"].get("address", ""))  # type: ignore[attr-defined]

    def send(self, port: int) -> str:
        return str(self.daemon.exoctl("plugin", "call", "server", "Send", "--", str(port), "question"))

    def holds(self, capability: str) -> bool:
        asked = ["registry", "check", "server", "--capability", f"network:{capability}"]
        return self.daemon.run([str(Path(sys.executable).with_name("exoctl")), *asked]).returncode == 0

    def rule(self, line: str) -> None:
        policy = self.daemon.directory / "etc/plugins.d/server.toml"
        policy.write_text(line)
        policy.chmod(0o600)
        self.daemon.exoctl("daemon", "reload")
        until = time.monotonic() + 30
        while self.about()["state_name"] != "running":
            assert time.monotonic() < until


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    source = tmp_path_factory.mktemp("server")
    (source / "code").mkdir()
    (source / "package.toml").write_text(MANIFEST)
    (source / "code/server.py").write_text(CODE)
    for name in ("README.md", "LICENSE"):
        (source / name).write_text("A server.\n")
    with apart.place():
        with Daemon(tmp_path_factory.mktemp("own-network") / "dev") as daemon:
            daemon.exoctl("plugin", "try", str(source))
            yield Lab(daemon)
        assert ([name for name, _ in link.links()], apart.tables()) == (["lo"], 0)


def links() -> list[str]:
    return [name for name, _ in link.links() if name.startswith("exo")]


def greeted(address: str) -> bytes:
    with socket.create_connection((address, 8080), timeout=30) as client:
        return client.recv(5)


@pytest.mark.slow
def test_a_server_is_reached_at_the_address_that_is_shown_and_sends_where_it_may(lab: Lab) -> None:
    assert greeted(lab.address()) == b"hello"
    with bound(socket.SOCK_DGRAM, 9000, HOST) as service:
        service.settimeout(30)
        assert lab.send(9000) == "sent"
        assert service.recv(64) == b"question"
    assert lab.holds("listen:tcp:8080")
    assert lab.holds(f"udp:{HOST}:9000")


@pytest.mark.slow
def test_what_was_not_granted_is_refused_in_the_instance(lab: Lab) -> None:
    assert lab.send(9001) == "refused: PermissionError"
    assert not lab.holds("listen:tcp:8081")
    assert not lab.holds(f"udp:{HOST}:9001")


@pytest.mark.slow
def test_an_exod_that_comes_back_takes_over_the_network_as_it_stands(lab: Lab) -> None:
    address, instance = lab.address(), lab.about()["id"]
    with socket.create_connection((address, 8080), timeout=30) as client:
        lab.daemon.kill()
        lab.daemon.start()
        assert client.recv(5) == b"hello"
    assert (lab.address(), lab.about()["id"]) == (address, instance)
    assert greeted(address) == b"hello"


@pytest.mark.slow
def test_a_network_of_its_own_is_gone_when_it_was_taken_back_live(lab: Lab) -> None:
    before, address = lab.about()["id"], lab.address()
    with socket.create_connection((address, 8080), timeout=30) as client:
        assert client.recv(5) == b"hello"
        lab.rule('deny = ["network"]')
        until = time.monotonic() + 60
        while links() or apart.tables():
            assert time.monotonic() < until
        client.settimeout(apart.SECONDS)
        with suppress(OSError):  # its end was told, or nobody is there any more
            client.sendall(b"x")
            assert client.recv(1) == b""
    assert lab.about()["id"] != before
    assert lab.send(9000) == "refused: PermissionError"
    assert not lab.holds("listen:tcp:8080")
    assert lab.address() == ""
    lab.rule("")
    lab.daemon.exoctl("plugin", "unload", "server")
    lab.daemon.exoctl("plugin", "load", "server")
    assert greeted(lab.address()) == b"hello"
