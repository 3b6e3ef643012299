"""Addresses and a port → one connected socket, on the loop, in time; bounded in what the kernel keeps for it."""

import asyncio
import socket
from collections.abc import Sequence

from exod.brokers.network.rules import Address

SECONDS = 10.0
TRIES = 3
"""Addresses of one name that are tried."""
BUFFER = 128 << 10
"""Bytes each way, which the kernel doubles: they are memory of exod, not of the plugin."""


async def dial(addresses: Sequence[Address], port: int) -> socket.socket:
    """Blocking, connected, owned by whoever asked. Raises OSError of the last one tried, TimeoutError included."""
    tried, failure = addresses[:TRIES], OSError("it has no address")
    for address in tried:
        try:
            async with asyncio.timeout(SECONDS / len(tried)):
                return await _connect(address, port)
        except OSError as error:
            failure = error
    raise failure


async def _connect(address: Address, port: int) -> socket.socket:
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    end = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC, socket.IPPROTO_TCP)
    try:
        for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
            end.setsockopt(socket.SOL_SOCKET, option, BUFFER)
        end.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await asyncio.get_running_loop().sock_connect(end, (str(address), port))
        if end.getsockname()[:2] == end.getpeername()[:2]:
            raise ConnectionRefusedError(111, "Connection refused")  # TCP meets itself where nobody listens
        end.settimeout(None)
    except BaseException:
        end.close()
        raise
    return end
