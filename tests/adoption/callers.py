"""Clients that call the fleet without rest, each call with a number of its own; and what became of every number.

A call is answered once, or fails once with an error that says why. Who finds exod gone asks once more, so that calls
into the gap are made too, and then waits until it is back.
"""

import asyncio
import itertools
from collections import Counter, defaultdict
from random import Random

from exod.dbus.codec import CALL, ERROR, RETURN, Header, Outgoing
from exod.dbus.wire import CallFailed
from exod.names import BUS_NAME
from tests.adoption.tally import INTERFACE, SERVICE
from tests.exod.dbus.rig import Client

GONE = frozenset(f"org.freedesktop.DBus.Error.{name}" for name in ("NoReply", "ServiceUnknown", "NameHasNoOwner"))
"""What a caller is told when exod dies under its call, or is away."""
DEADLINE = 60.0


def service_path(plugin: str) -> str:
    return f"/org/exoos/Exod1/service/{plugin.replace('-', '_')}/{SERVICE}"


class Ledger:
    """What became of the calls of all clients. `wrong` is what never may."""

    def __init__(self) -> None:
        self.numbers = itertools.count(1)
        self.answered: dict[str, list[int]] = defaultdict(list)
        self.failed: Counter[str] = Counter()
        self.signals = 0
        self.wrong: list[str] = []
        self._replies: set[tuple[str, int]] = set()
        self._counted: set[tuple[str, int]] = set()

    def watch(self, client: Client) -> None:
        """Every reply that reaches the client passes here before it is matched with its call."""
        deliver = client.wire._deliver

        def seen(header: Header) -> None:
            if header.type in (RETURN, ERROR):
                self._replied(client, header)
            deliver(header)

        client.wire._deliver = seen  # type: ignore[method-assign]

    def _replied(self, client: Client, header: Header) -> None:
        key = client.name, header.reply_to
        if key in self._replies:
            self.wrong.append(f"the call {header.reply_to} of {client.name} was answered twice")
        self._replies.add(key)

    def counted(self, client: Client, number: int) -> None:
        self.signals += 1
        if (client.name, number) in self._counted:
            self.wrong.append(f"the signal for {number} came twice to {client.name}")
        self._counted.add((client.name, number))


class Caller:
    """`present` is set while exod owns its name."""

    def __init__(self, client: Client, ledger: Ledger, plugins: list[str], present: asyncio.Event, seed: int) -> None:
        self._client, self._ledger, self._plugins = client, ledger, plugins
        self._present = present
        self._random = Random(seed)
        ledger.watch(client)

    async def run(self) -> None:
        while True:
            await self.call(self._random.choice(self._plugins))

    async def call(self, plugin: str) -> None:
        number = next(self._ledger.numbers)
        try:
            path, body = service_path(plugin), [number]
            message = Outgoing(CALL, path, INTERFACE, "Count", destination=BUS_NAME, signature="t", body=body)
            [answer] = await self._client.wire.call(message, returns="t", deadline=DEADLINE)
        except CallFailed as error:
            self._ledger.failed[error.name] += 1
            if error.name not in GONE:
                self._ledger.wrong.append(f"the call {number} of {plugin} failed: {error}")
            await self._present.wait()
        except TimeoutError:
            self._ledger.wrong.append(f"the call {number} of {plugin} was never answered")
        else:
            self._ledger.answered[plugin].append(number)
            if answer != number:
                self._ledger.wrong.append(f"the call {number} of {plugin} was answered with {answer}")

    async def listen(self, plugin: str) -> None:
        """Its signals, none of which may come twice."""
        rule = f"type='signal',sender='{BUS_NAME}',path='{service_path(plugin)}',member='Counted'"
        await self._client.listen(rule)
        while True:
            header = await self._client.signals.get()
            if header.member == "Counted":
                self._ledger.counted(self._client, header.body()[0])
