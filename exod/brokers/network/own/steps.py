"""Instances with entries of `listen` and `udp` → their wires, laid before the fork and taken up with what ends.

What lies on this host is found by its name and alias, so that an exod that is started anew knows whose it is. Changes
are made one after the other, each by a worker, which writes the whole table.
"""

import asyncio
import json
import logging
import os
import signal
from collections.abc import Mapping
from ipaddress import IPv4Network
from pathlib import Path

from exod.brokers.network import facts
from exod.brokers.network.own import link, rules
from exod.brokers.network.own.rules import Policy, Wire, no_network
from exod.brokers.network.own.worker import ANSWER, CHANGE, DONE
from exod.brokers.workers import collect, spawn
from exod.errors import Outcome, Refusal, Refused
from exod.linux.descriptors import opened
from exod.linux.pidfd import pidfd_open, pidfd_send_signal, waitid
from exod.plan.confine import Confinement
from exod.settings import Settings

_log = logging.getLogger("exod")
SECONDS = 20.0
_ANSWER = 768
"""Bytes of what a worker says."""
_START = "import sys; sys.path.append(sys.argv[1]); from exod.brokers.network.own.worker import main; main(sys.argv[2])"
_FORWARDING = Path("/proc/sys/net/ipv4/ip_forward")


class Wires:
    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._wires: dict[int, Wire] = {}
        self._left: dict[int, int] | None = None
        self._next = 0
        self._stale = False
        self._rewriting: list[asyncio.Task[None]] = []
        self._one_at_a_time = asyncio.Lock()

    async def connect(self, instance: int, confinement: Confinement, network: int) -> None:
        """Lays the wire into `network`, a namespace in which nobody is yet. Raises Refused."""
        chosen = rules.policy(confinement.permissions.get("network", ()))
        if chosen is None:
            return
        await self.disconnect(instance)
        async with self._one_at_a_time:
            _check_forwarding(chosen)
            wire = self._wires[instance] = self._free(instance, chosen)
            await self._change(laid=wire, network=network)

    def adopt(self, instance: int, confinement: Confinement) -> None:
        """Of an earlier exod. Raises Refused where it has no wire that it should have."""
        chosen = rules.policy(confinement.permissions.get("network", ()))
        if chosen is None:
            return
        place = self._lying().pop(instance, None)
        if place is None:
            raise Refused(no_network("that of before is gone"))
        self._wires[instance] = rules.wire(self._network(), place, instance=instance, chosen=chosen)
        if not self._stale:
            self._stale = True
            self._rewriting.append(asyncio.get_running_loop().create_task(self._rewrite()))

    async def _rewrite(self) -> None:
        """The table of all that were taken over: it may have been written for those alone that came before, or flushed
        meanwhile. Until then a wire that is not in it is cut off.
        """
        async with self._one_at_a_time:
            self._stale = False  # who is taken over from here on has it written once more
            self._rewriting = self._rewriting[-1:]
            await self._tried()

    async def disconnect(self, instance: int) -> None:
        """Twice is fine, and for nothing. What cannot be taken up is said, and found by the doctor."""
        wire, place = self._wires.get(instance), self._lying().pop(instance, None)
        if wire is None and place is not None:
            wire = rules.wire(self._network(), place, instance=instance, chosen=Policy())
        if wire is not None:
            async with self._one_at_a_time:
                self._wires.pop(instance, None)
                await self._tried(gone=wire.link)

    def shown(self, instance: int) -> Mapping[str, str]:
        wire = self._wires.get(instance)
        return {"address": str(wire.theirs)} if wire is not None else {}

    def _network(self) -> IPv4Network:
        found = rules.range_of(self._settings.network_range)
        if isinstance(found, Refusal):
            raise Refused(found)
        return found

    def _visitors(self) -> str:
        said = self._settings.network_visitors
        if said and not rules.is_network(said):
            raise Refused(no_network('"network-visitors" is no IPv4 network'))
        return said

    def _lying(self) -> dict[int, int]:
        """Instance → place, of the links that an earlier exod left; looked for once."""
        if self._left is None:
            self._left = {}
            network = rules.range_of(self._settings.network_range)
            found = (
                {}
                if isinstance(network, Refusal)
                else {link.owner(alias): rules.place(network, name) for name, alias in link.links()}
            )
            self._left = {instance: place for instance, place in found.items() if instance and place is not None}
        return self._left

    def _free(self, instance: int, chosen: Policy) -> Wire:
        """The one after the last: an address is not used again as long as there are others."""
        network = self._network()
        most, taken = rules.pairs(network), {one.ours for one in self._wires.values()}
        taken |= {network[2 * place] for place in self._lying().values()}
        for place in (*range(self._next, most), *range(self._next)):
            wire = rules.wire(network, place, instance=instance, chosen=chosen)
            if wire.ours not in taken:
                self._next = place + 1
                return wire
        raise Refused(no_network(f"all addresses of {network} are in use"))

    async def _tried(self, *, gone: str = "") -> None:
        try:
            await self._change(gone=gone)
        except (Refused, OSError) as error:
            _log.error("%s", error)

    async def _change(self, *, laid: Wire | None = None, gone: str = "", network: int = -1) -> None:
        range_ = self._network()
        asked = {
            "range": str(range_),
            "table": rules.table(range_),
            "visitors": self._visitors(),
            "wires": rules.pack([*self._wires.values()]),
            "laid": laid.instance if laid is not None else 0,
            "network": network,
            "gone": gone,
        }
        said = await self._worker(json.dumps(asked).encode(), network)
        if said != DONE:
            raise Refused(no_network(said or "its worker ended before it was done"))

    async def _worker(self, asked: bytes, network: int) -> str:
        source, sink = os.pipe()
        with opened(source), opened(os.memfd_create("change")) as job:
            os.pwrite(job, asked, 0)
            with opened(sink):
                pid = self._start(job, sink, network)
            with opened(pidfd_open(pid)) as worker:
                try:
                    async with asyncio.timeout(SECONDS):
                        return (await collect(source, most=_ANSWER)).decode(errors="replace")
                except TimeoutError:
                    return f"its worker took longer than {SECONDS:g} s"
                finally:  # its last word is its end, or else it is ended: nobody waits for long
                    pidfd_send_signal(worker, signal.SIGKILL)
                    await _ended(worker)
                    waitid(worker)

    def _start(self, job: int, sink: int, network: int) -> int:
        given = [(os.POSIX_SPAWN_DUP2, network, network)] if network >= 0 else []  # it stays open, as it is
        said = [(os.POSIX_SPAWN_DUP2, job, CHANGE), (os.POSIX_SPAWN_DUP2, sink, ANSWER)]
        quiet = (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0)
        return spawn(_START, str(self._settings.resolver_uid), actions=[*given, *said, quiet])


async def _ended(pidfd: int) -> None:
    """Before that nobody may begin another change, and it cannot be buried."""
    loop, over = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(pidfd, over.set)
    try:
        await over.wait()
    finally:
        loop.remove_reader(pidfd)


def _check_forwarding(chosen: Policy) -> None:
    """exod makes no router of a host that is none."""
    outside = [address for address, _ in chosen.sends if not facts.is_own(address)]
    if outside and _FORWARDING.read_text().strip() == "0":
        sentence = f"cannot make a network for a plugin: {outside[0]} is not this host, which forwards nothing"
        raise Refused(Refusal("no-forwarding", sentence, "sysctl net.ipv4.ip_forward=1", outcome=Outcome.FAILED))
