"""The peer of a service call: the same `Echo` as an ordinary dbus-next service in an ordinary process.

python -I -m bench.peer_service ADDRESS NAME      prints R when its name is owned, ends when its input ends
"""

import asyncio
import os
import sys

from dbus_next.aio import MessageBus  # type: ignore[attr-defined]
from dbus_next.service import ServiceInterface, method

NAME = "org.exoos.BenchPeer1"
PATH = "/org/exoos/BenchPeer1"


class Echo(ServiceInterface):
    @method()  # type: ignore[untyped-decorator]
    def Echo(self, text: "s") -> "s":  # type: ignore[name-defined]  # noqa: F821, N802 - dbus-next's way to declare
        return text


async def serve(address: str, name: str) -> None:
    bus = await MessageBus(bus_address=address).connect()
    bus.export(PATH, Echo("org.exoos.Bench1"))
    await bus.request_name(name)
    os.write(1, b"R")
    await asyncio.get_running_loop().run_in_executor(None, os.read, 0, 1)


if __name__ == "__main__":
    asyncio.run(serve(*sys.argv[1:3]))
