"""A plugin with a network of its own under exod's unit: what its worker may there, and what Debian's kernel can."""

import json
import time

import pytest

from exoctl.trustfiles import anchor_file
from exosdk.testing.vm import Machine
from tests import builders
from tests.vm.exod import Exod

HOST = "192.0.2.1"
CODE = b"""import socket
import threading


class Hello:
    def __init__(self, context):
        self.end = socket.create_server(("", 8080))
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            taken, _ = self.end.accept()
            taken.sendall(b"hello")
            taken.close()

    def send(self, port: int) -> str:
        try:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as end:
                end.sendto(b"question", ("192.0.2.1", port))
            return "sent"
        except OSError as error:
            return error.strerror
"""
MORE = """[sandbox]
network = ["listen:tcp:8080", "udp:192.0.2.1:9000"]
[limits]
tasks = 4
[services.server]
interface = "org.example.Server1"
access = "root"
methods.Send = {in = "q", out = "s"}
"""
GREET = "import socket; print(socket.create_connection(('{address}', 8080), 60).recv(5).decode())"
HEAR = """
import socket
end = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
end.bind(("192.0.2.1", 9000))
end.settimeout(240)
print(end.recv(64).decode())
"""


@pytest.mark.destructive
def test_it_serves_asks_where_it_may_is_kept_over_a_restart_and_goes(vm: Machine, exod: Exod) -> None:
    vm.run(f"ip address add {HOST}/32 dev lo")
    manifest = builders.manifest_toml(name="server", more=MORE)
    data = builders.signed_package(issued=int(time.time()) - 3_600, manifest=manifest, extra={"code/hello.py": CODE})
    vm.put("/etc/exod/trust.d/tests.toml", anchor_file(builders.anchor_for(scope=("server",))))
    vm.run("systemctl reload exod.service")
    vm.put("/root/server.exopkg", data)
    exod.ctl("plugin", "load", "/root/server.exopkg")
    address = exod.ctl("plugin", "info", "server")["security_context"]["address"]
    assert address.startswith("10.239.")
    assert vm.run(["python3", "-c", GREET.format(address=address)]).out == "hello\n"
    vm.put("/root/hear.py", HEAR.encode())
    vm.run("systemd-run --unit=hear --property=StandardOutput=file:/root/heard python3 /root/hear.py")
    vm.run("until ss --udp --listening --no-header src 192.0.2.1:9000 | grep -q .; do :; done")
    assert exod.call("server", "Send", "9001") == "Operation not permitted"
    assert exod.call("server", "Send", "9000") == "sent"
    vm.run("while systemctl is-active --quiet hear; do :; done")
    assert vm.run("cat /root/heard").out == "question\n"
    pid = exod.pid("server")
    vm.run("systemctl restart exod.service")
    exod.await_state("server", "running")
    assert exod.pid("server") == pid
    assert vm.run(["python3", "-c", GREET.format(address=address)]).out == "hello\n"
    exod.remove("server")
    assert vm.run("ip -oneline link | grep --count ': exo'", check=False).out == "0\n"


@pytest.mark.destructive
def test_the_doctor_finds_that_this_kernel_can_do_it(vm: Machine, exod: Exod) -> None:
    found = json.loads(vm.run(["exoctl", "--json", "doctor"], check=False).out)
    assert {row["id"]: row["level"] for row in found}["own-networks"] == "ok"
