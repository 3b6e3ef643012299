"""A name → the addresses that this host's resolver gives it. Starts the worker for it, ends it with itself.

Never waits for it on the loop and believes nothing of it but that they are addresses.
"""

import asyncio
import os
from contextlib import suppress
from ipaddress import ip_address

from exod.brokers.network.rules import Address
from exod.brokers.network.worker import MOST, SECONDS
from exod.brokers.workers import Worker, collect
from exod.linux.descriptors import opened

AT_ONCE = 8
"""Names that are asked for beside each other."""
_PATIENCE = SECONDS + 5.0
_ANSWER = MOST * 48
_START = "import sys; sys.path.append(sys.argv[1]); from exod.brokers.network.worker import main; main(sys.argv[2])"
_ENVIRONMENT = {"LOCALDOMAIN": "."}
"""A name is itself: no search list makes another of it."""


class Resolver:
    """One worker at a time, started anew when it has left. `uid`: shared with `own`'s worker alone."""

    def __init__(self, *, uid: int) -> None:
        self._worker = Worker(lambda: _START, str(uid), environment=_ENVIRONMENT)
        self._slots = asyncio.Semaphore(AT_ONCE)

    async def resolve(self, name: str) -> list[Address]:
        """None of them may be where a plugin may go. Raises OSError of this host."""
        source, sink = os.pipe()
        async with self._slots:
            try:
                with opened(sink):
                    await self._worker.send(name.encode(), [sink])
                async with asyncio.timeout(_PATIENCE):
                    return addresses(await collect(source, most=_ANSWER))
            except TimeoutError:
                self._worker.end()
                return []
            finally:
                os.close(source)

    async def close(self) -> None:
        """Twice is fine."""
        await self._worker.close()


def addresses(said: bytes) -> list[Address]:
    """What is one; an IPv6 address with a zone leads where only this host knows, and is none."""
    found = []
    for word in said.decode("ascii", "replace").split()[:MOST]:
        with suppress(ValueError):
            found += [ip_address(word)] if "%" not in word else []
    return found
