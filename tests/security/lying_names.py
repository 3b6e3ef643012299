"""Run in a network and mounts of its own: a name server that changes its mind, and what the broker makes of it.

Prints a line for each question: what was dialled, or why it was refused.
"""

import asyncio
import fcntl
import os
import socket
import struct
import sys
import tempfile
from dataclasses import replace
from typing import Any

from exod.brokers.network.resolver import Resolver
from exod.brokers.network.steps import Network, World
from exod.supervisor.ports import Want
from exosdk import wire
from tests.exosdk.instances import confinement

ANSWERS = ("93.184.216.34", "127.0.0.1", "169.254.169.254", "10.0.0.1", "93.184.216.34")
HELD = ("tcp:rebound.example:443",)


class Liar(asyncio.DatagramProtocol):
    """Each question for an IPv4 address has the next answer, with no time to live; other questions have none."""

    def __init__(self) -> None:
        self.left = list(ANSWERS)

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, address: Any) -> None:
        end = data.index(b"\0", 12) + 5
        record = b""
        if data[end - 4 : end - 2] == b"\0\1":
            record = b"\xc0\x0c\0\1\0\1" + struct.pack("!IH", 0, 4) + socket.inet_aton(self.left.pop(0))
        head = data[:2] + b"\x81\x80\0\1" + struct.pack("!3H", bool(record), 0, 0)
        self.transport.sendto(head + data[12:end] + record, address)


class Asker:
    plugin = "hello"
    confinement = replace(confinement(), permissions={"network": HELD})

    def __init__(self) -> None:
        self.said: list[str] = []

    def line(self) -> Any:
        return self

    def tell(self, frame: wire.Given) -> bool:
        self.said.append(frame.refused)
        return True


async def main(uid: int) -> None:
    loop = asyncio.get_running_loop()
    server, _ = await loop.create_datagram_endpoint(Liar, local_addr=("127.0.0.1", 53))
    resolver, asker, tasks = Resolver(uid=uid), Asker(), []

    async def dial(addresses: Any, _port: int) -> Any:
        asker.said.append(f"dialled {' '.join(map(str, addresses))}")
        raise OSError(113, "No route to host")

    def spawn(work: Any, name: str) -> None:
        tasks.append(loop.create_task(work, name=name))

    network = Network(World(lambda *_, **__: None, lambda: 0.0, spawn, resolver.resolve, dial))
    for number in range(len(ANSWERS)):
        network.wanted(asker, Want(number, "connect", "rebound.example:443", None))
        await tasks[-1]
    server.close()
    await resolver.close()
    sys.stdout.write("\n".join(asker.said) + "\n")


def settle() -> None:
    """Loopback is up, and this host's name server is us."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as end:
        fcntl.ioctl(end, 0x8914, struct.pack("16sH14x", b"lo", 0x41))
    with tempfile.NamedTemporaryFile("w") as file:
        file.write("nameserver 127.0.0.1\n")
        file.flush()
        os.chmod(file.name, 0o644)
        if os.spawnlp(os.P_WAIT, "mount", "mount", "--bind", file.name, os.path.realpath("/etc/resolv.conf")):
            raise SystemExit("cannot be its own name server")


if __name__ == "__main__":
    settle()
    asyncio.run(main(int(sys.argv[1])))
