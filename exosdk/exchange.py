"""All links of an instance: what the channel says of them, and what comes out of them, by their priorities.

Hands each message to `deliver` with the link it came from; asks exod for a link when something is first sent. Believes
nothing that is read from a ring: one that is broken is given up, and exod is told.
"""

import os
import select
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from exosdk import wire
from exosdk.links import DROP_OLDEST, Bells, In, LinkError, Out
from exosdk.message import PRIORITIES
from exosdk.ring import BrokenError

Deliver = Callable[[In, int, Any], None]
Over = Callable[[Out | None], None]
"""Told after a link has ended, of the end that sent; and of one that goes on, but cannot carry what is in `never`."""
Said = wire.Lay | wire.Join | wire.Part | wire.House
LOST, CHANGED = "instance-lost", "access-changed"
"""Why a link ends: its other end died; its sender may call other methods now, and what it sent before calls nothing."""
_SHARES = {"urgent": 64, "normal": 16, "bulk": 4}
"""Messages of one link in a row; before each link that is not urgent the urgent ones come again."""
_LOOK = 0.1
"""Seconds: a wake-up that somebody withheld costs no more."""
_FULL_LOOK = 0.01
"""While something waits for room, which rings no bell."""
_REFUSED_FOR = 1.0
"""Seconds in which a link that was refused is not asked for again."""


class Exchange:
    """`running`: whether the plugin is; what comes while it is not stays in the rings. `closing`: nothing is sent.

    What a ring could not carry is told to `over` as the end of a link is.
    """

    def __init__(
        self,
        *,
        ask: Callable[[str, str, Any, Callable[[Any, str], Any]], None],
        tell: Callable[[str, str, Any], None],
        monotonic: Callable[[], float],
        patience: float,
        deliver: Deliver,
        over: Over,
    ) -> None:
        self._ask, self._tell, self._monotonic, self._patience = ask, tell, monotonic, patience
        self._deliver, self._over = deliver, over
        self._outs: dict[tuple[str, str], Out] = {}
        self._ins: dict[str, list[In]] = {priority: [] for priority in PRIORITIES}
        self._popped: dict[int, deque[tuple[int, Any]]] = {}
        self._refused: dict[tuple[str, str], tuple[float, str]] = {}
        self._houses: list[select.epoll] = []
        self._listen: Callable[[int], None] = lambda _: None
        self._bells = Bells()
        self.closing = self.running = False

    # --- sending ------------------------------------------------------------------------------------------------

    def out(self, peer: str, priority: str, *, full: str, slots: int = 0, arena: int = 0) -> Out:
        """The link to `peer`; asked for when there is none. Raises LinkError while exod's refusal is fresh."""
        key = peer, priority
        if self.closing:
            raise LinkError(f"cannot send to {peer}: the plugin is being stopped")
        if (known := self._outs.get(key)) is not None:
            return known
        if key in self._refused:
            until, sentence = self._refused[key]
            if self._monotonic() < until:
                raise LinkError(sentence)
            del self._refused[key]
        wanted = {"priority": priority, "slots": slots, "arena": arena}
        made = Out(peer, priority, full=full, patience=self._patience)
        try:
            self._ask("link", peer, wanted, lambda _, refused: self._opened(made, refused))
        except wire.MalformedError as error:
            raise LinkError(f"cannot link with {peer}: {error}") from None
        self._outs[key] = made
        return made

    def _opened(self, out: Out, refused: str) -> None:
        """A refusal is of the link that was asked for then, not of the one that is there now."""
        if not refused or self._outs.get((out.peer, out.priority), out) is not out:
            return
        self._refused[out.peer, out.priority] = (self._monotonic() + _REFUSED_FOR, refused)
        if not out.joined:
            self._end_out(out, refused)

    def put(self, out: Out, number: int, type_: int, head: bytes, data: Any, *, only: int) -> list[int]:
        """As `Out.put`; raises LinkError."""
        if out.waiting and out.joined:
            self._flush(out)
        if not out.gone:
            try:
                return out.put(number, type_, head, data, only=only)
            except BrokenError:
                self._broken(out)
        raise LinkError(f"cannot send to {out.peer}: {out.gone}")

    # --- what the channel says ----------------------------------------------------------------------------------

    def hear(self, frame: Said, descriptors: tuple[int, ...]) -> None:
        """`descriptors` came with it, and are ours."""
        match frame:
            case wire.Lay():
                self.lay(frame, descriptors)
            case wire.Join():
                self.join(frame.link, descriptors)
            case wire.Part():
                self.part(frame.link, frame.reason)
            case wire.House():
                self.house(descriptors)

    def lay(self, lay: wire.Lay, descriptors: tuple[int, ...]) -> None:
        """Of an end that is there: what may be called over it from now on."""
        known = self._find(lay.link)
        if isinstance(known, In) and not descriptors:
            known.calls = frozenset(lay.calls)
            return
        try:
            (memory,) = descriptors
            if lay.sends:
                self._out_for(lay).made(lay, memory)
            else:
                self._ins[lay.priority].append(In(lay, memory))
        except (ValueError, OSError, MemoryError):
            self._tell("broken", str(lay.link), None)
        else:
            self._tell("laid", str(lay.link), None)
        finally:
            _close(descriptors)

    def _out_for(self, lay: wire.Lay) -> Out:
        """One that nobody wants any more is made all the same: exod asked the other end for it already."""
        key = lay.peer, lay.priority
        if key not in self._outs:
            self._outs[key] = Out(lay.peer, lay.priority, full=DROP_OLDEST, patience=self._patience)
        return self._outs[key]

    def join(self, link: int, descriptors: tuple[int, ...]) -> None:
        memory, bells = descriptors[:1], list(descriptors[1:])
        try:
            if (found := self._find(link)) is not None:
                self._meet(found, memory, bells)
        except (ValueError, OSError, MemoryError):
            self._tell("broken", str(link), None)
        finally:
            _close((*memory, *bells))

    def _meet(self, found: In | Out, memory: tuple[int, ...], bells: list[int]) -> None:
        """The memory is mapped; a doorbell that is kept is taken out of `bells`."""
        (descriptor,) = memory
        if isinstance(found, In):
            found.met(descriptor)
        else:
            found.met(descriptor, self._bells.of(found.instance, bells))
            self._flush(found)

    def part(self, link: int, reason: str) -> None:
        """What a peer that is gone has sent is read first."""
        found = self._find(link)
        if isinstance(found, Out):
            self._end_out(found, reason)
        elif found is not None:
            found.ending, found.lost = True, reason == LOST
            if reason == CHANGED:
                found.calls = frozenset()
            if not found.joined:
                self._end_in(found)

    def house(self, descriptors: tuple[int, ...]) -> None:
        """Another exod brings another; what the first has in it is still rung."""
        for descriptor in descriptors:
            self._houses.append(select.epoll.fromfd(descriptor))
            self._listen(descriptor)

    def heard_by(self, listen: Callable[[int], None]) -> None:
        """Who waits for descriptors is told of each that there will be."""
        self._listen = listen

    def claims(self) -> list[Any]:
        """Each link that is joined: [id, peer, its instance, sends, priority, slots, arena]."""
        links = [(one, True) for one in self._outs.values()] + [(one, False) for one in self._incoming()]
        return [
            [one.id, one.peer, one.instance, sends, one.priority, one.slots, one.arena]
            for one, sends in links
            if one.joined
        ]

    def counts(self) -> list[Any]:
        """Of all that are sent on, then of all that are received."""
        outs = [one.counts() for one in self._outs.values() if one.id]
        return [outs, [one.counts() for one in self._incoming()]]

    def close(self, reason: str) -> None:
        """All of them: the plugin was stopped."""
        for one in tuple(self._outs.values()):
            self._end_out(one, reason)
        for incoming in tuple(self._incoming()):
            self._end_in(incoming)
        self._refused.clear()

    def forget(self) -> None:
        """What was not joined yet: another exod knows nothing of it."""
        for one in tuple(self._outs.values()):
            if not one.joined:
                self._end_out(one, "exod was restarted before the link was made")
        for incoming in tuple(self._incoming()):
            if not incoming.joined:
                self._end_in(incoming)

    # --- receiving ----------------------------------------------------------------------------------------------

    def wait(self) -> float | None:
        """Seconds that may pass until the next `turn`; then the doorbells are heard, until `awake`. None: for ever."""
        pause = _FULL_LOOK if any(out.waiting and out.joined for out in self._outs.values()) else None
        if not self.running:
            return pause
        for incoming in self._incoming():
            pause = pause or _LOOK
            if incoming.joined and (self._popped.get(incoming.id) or incoming.ending or not incoming.ring.listen()):
                return 0.0
        return pause

    def awake(self) -> None:
        for house in self._houses:
            house.poll(0)
        for incoming in self._incoming():
            if incoming.joined:
                incoming.ring.awake()

    def turn(self) -> bool:
        """A share of each link is delivered; whether there was anything."""
        for out in tuple(self._outs.values()):
            if out.waiting and out.joined:
                self._flush(out)
        if not self.running:
            return False
        found = False
        for incoming in tuple(self._incoming()):
            for urgent in tuple(self._ins["urgent"]) if incoming.priority != "urgent" else ():
                found |= self._read(urgent)
            found |= self._read(incoming)
        return found

    def _flush(self, out: Out) -> None:
        try:
            out.flush()
        except BrokenError:
            self._broken(out)
        if out.never:
            self._over(out)

    def _broken(self, out: Out) -> None:
        self._tell("broken", str(out.id), None)
        self._end_out(out, "broken")

    def _read(self, incoming: In) -> bool:
        """Popped messages are kept apart: a plugin may receive the next while it handles this one."""
        if not incoming.joined:
            return False
        share = _SHARES[incoming.priority]
        popped = self._popped.setdefault(incoming.id, deque())
        try:
            if not popped:
                popped.extend(incoming.ring.pop_batch(share))
        except BrokenError:
            self._tell("broken", str(incoming.id), None)
            self._end_in(incoming)
            return False
        found = bool(popped)
        while popped and share and self.running:
            share -= 1
            self._deliver(incoming, *popped.popleft())
        if incoming.ending and not found:
            self._end_in(incoming)
        return found

    # --- the end ------------------------------------------------------------------------------------------------

    def _find(self, link: int) -> In | Out | None:
        for out in self._outs.values():
            if out.id == link:
                return out
        return next((one for one in self._incoming() if one.id == link), None)

    def _incoming(self) -> Iterator[In]:
        for priority in PRIORITIES:
            yield from self._ins[priority]

    def hears(self, instance: int) -> bool:
        """Whether something of that one may still be read."""
        return any(one.instance == instance for one in self._incoming())

    def _end_out(self, out: Out, reason: str) -> None:
        if self._outs.get((out.peer, out.priority)) is not out:
            return
        del self._outs[out.peer, out.priority]
        out.end(reason)
        if not any(one.instance == out.instance for one in self._outs.values()):
            self._bells.drop(out.instance)
        self._over(out)

    def _end_in(self, incoming: In) -> None:
        if incoming not in self._ins[incoming.priority]:
            return
        self._ins[incoming.priority].remove(incoming)
        self._popped.pop(incoming.id, None)
        incoming.close()
        self._over(None)


def _close(descriptors: Sequence[int]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)
