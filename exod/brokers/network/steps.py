"""Questions of instances for connections → connected sockets, each audited; or the sentence of a refusal."""

import os
import socket
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from exod.brokers.network import facts
from exod.brokers.network.dialling import SECONDS, dial
from exod.brokers.network.facts import Held
from exod.brokers.network.rules import Address, Target, denied, never, private, target
from exod.brokers.questions import Asker, Uses, give
from exod.errors import Refusal, Refused
from exod.supervisor.ports import Want
from exosdk import wire

AT_ONCE = 4
"""Of one plugin, under way: each is a descriptor of exod's, and may be a process for its name."""


@dataclass(frozen=True, slots=True)
class World:
    """note: into the audit. spawn: a task whose end somebody watches. resolve: a name's addresses, off the loop.

    is_own: whether this host has the address. still_held: of connections, those that a descriptor leads to.
    """

    note: Callable[..., None]
    now: Callable[[], float]
    spawn: Callable[..., object]
    resolve: Callable[[str], Awaitable[Sequence[Address]]]
    dial: Callable[[Sequence[Address], int], Awaitable[socket.socket]] = dial
    is_own: Callable[[Address], bool] = facts.is_own
    still_held: Callable[[Iterable[Held]], list[Held]] = facts.still_held


@dataclass(slots=True)
class Use:
    """Of one connection, for the audit: what is known of it so far."""

    to: str = "?"
    address: str = ""


class Network:
    def __init__(self, world: World) -> None:
        self._world = world
        self._uses = Uses(world.now)
        self._under_way: Counter[str] = Counter()
        self._open: dict[str, list[Held]] = {}

    def wanted(self, asker: Asker, want: Want) -> None:
        """From the loop; the answer comes later, through the asker's channel."""
        self._world.spawn(self._answer(asker, want), name=f"connection for {asker.plugin}")

    async def _answer(self, asker: Asker, want: Want) -> None:
        use, said, by = Use(), "", f"plugin {asker.plugin}"
        try:
            self._uses.count(asker.plugin, what="connect")
        except Refused as refused:
            give(asker, want, None, refused.refusal.sentence)
            return
        try:
            await self._connect(asker, want, use)
        except Refused as refused:
            said = refused.refusal.sentence
        except TimeoutError:
            said = f"cannot connect to {use.to}: no answer within {SECONDS:g} s"
        except OSError as error:
            said = f"cannot connect to {use.to}: {os.strerror(error.errno) if error.errno else error}"
        self._world.note("connection", "broker", by, plugin=asker.plugin, to=use.to, address=use.address, refused=said)
        if said:
            give(asker, want, None, said)

    async def _connect(self, asker: Asker, want: Want, use: Use) -> None:
        wanted = target(want.key)
        if wanted is None:
            raise _denied("cannot connect: a place is HOST:PORT, lower case, without a dot at the end, or ADDRESS:PORT")
        use.to = str(wanted)
        _check(asker, wanted)
        with self._place(asker, wanted):
            addresses = await self._addresses(wanted, use)
            with await self._world.dial(addresses, wanted.port) as end:
                use.address = str(end.getpeername()[0])
                _check(asker, wanted)  # it may have been taken back meanwhile
                self._hand_over(asker, want, end)

    @contextmanager
    def _place(self, asker: Asker, wanted: Target) -> Iterator[None]:
        plugin, most = asker.plugin, asker.confinement.limits.connections
        if self._under_way[plugin] >= AT_ONCE:
            raise _denied(f"cannot connect to {wanted}: {AT_ONCE} connections are being made for the plugin already")
        held = self._open[plugin] = self._world.still_held(self._open.get(plugin, ()))
        if len(held) + self._under_way[plugin] >= most:
            raise _denied(f"cannot connect to {wanted}: the plugin has {most} connections, as many as it may")
        self._under_way[plugin] += 1
        try:
            yield
        finally:
            self._under_way[plugin] -= 1

    async def _addresses(self, wanted: Target, use: Use) -> Sequence[Address]:
        """Asked once: what was looked at is what is connected to."""
        if wanted.address is not None:
            return [wanted.address]
        found = await self._world.resolve(wanted.host)
        if not found:
            raise _denied(f"cannot connect to {wanted}: the name has no address")
        fit = [one for one in found if not (never(one) or private(one) or self._world.is_own(one))]
        if not fit:
            use.address = " ".join(map(str, found))
            raise _denied(f"cannot connect to {wanted}: the name leads into this host or its own networks")
        return fit

    def _hand_over(self, asker: Asker, want: Want, end: socket.socket) -> None:
        """What the instance does not take at once it does not get: no descriptor waits in a queue."""
        held = facts.remember(end)
        if not asker.line().tell(wire.Given(want.number, wire.NOTHING, ""), end.fileno()):
            raise _denied("cannot connect: the plugin does not read what it is told")
        self._open[asker.plugin].append(held)


def _check(asker: Asker, wanted: Target) -> None:
    if refusal := denied(wanted, held=asker.confinement.permissions.get("network", ())):
        raise Refused(refusal)


def _denied(sentence: str) -> Refused:
    return Refused(Refusal("connection-denied", sentence))
