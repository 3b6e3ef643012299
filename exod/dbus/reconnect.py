"""Keeps one connection to the bus and the name on it: when the bus is lost, connects again with growing pauses.

Objects need no second export: they belong to the dispatcher, which gets the new wire.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from exod.dbus import wire as wires
from exod.dbus.codec import Header
from exod.dbus.wire import BusLost, CallFailed, Wire

_log = logging.getLogger(__name__)
_FIRST_PAUSE: Final = 0.05
_LONGEST_PAUSE: Final = 5.0
_DO_NOT_QUEUE: Final = 4
_OWNED: Final = (1, 4)


class NameTaken(OSError):
    """Another process owns the name."""


@dataclass(eq=False)
class Link:
    """`up` is told of each new wire before the name is requested on it, `down` of each loss."""

    address: str
    name: str
    receive: Callable[[Header], None]
    up: Callable[[Wire], None]
    down: Callable[[], None]
    _wire: Wire | None = None
    _keeping: asyncio.Task[None] | None = None
    losses: int = 0

    async def connect(self) -> None:
        """Raises OSError, BusLost or TimeoutError."""
        self._wire = await wires.connect(self.address, on_message=self.receive)
        self.up(self._wire)

    async def own_name(self) -> None:
        """Requests the name, and from then on repairs losses. Raises NameTaken, CallFailed, BusLost, TimeoutError."""
        wire = self._wire
        if wire is None:
            raise BusLost("not connected")
        await self._request(wire)
        self._keeping = asyncio.get_running_loop().create_task(self._keep(wire))

    async def close(self) -> None:
        if self._keeping:
            self._keeping.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._keeping
        if self._wire:
            self._wire.close()

    async def _request(self, wire: Wire) -> None:
        [answer] = await wire.bus("RequestName", "su", [self.name, _DO_NOT_QUEUE], returns="u")
        if answer not in _OWNED:
            raise NameTaken(f"cannot own {self.name}: another process does")

    async def _keep(self, wire: Wire) -> None:
        while True:
            why = await asyncio.shield(wire.lost)
            self.losses += 1
            _log.warning("lost the bus: %s", why)
            self.down()
            wire = await self._again()
            _log.warning("back on the bus as %s", wire.unique_name)

    async def _again(self) -> Wire:
        pause = _FIRST_PAUSE
        while True:
            try:
                await self.connect()
                assert self._wire is not None
                await self._request(self._wire)
                return self._wire
            except (OSError, TimeoutError, CallFailed) as error:
                _log.info("the bus is not back yet: %s", error)
                if self._wire:
                    self._wire.close()
                self.down()
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)
