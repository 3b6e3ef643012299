"""The ends of rings that an instance has: frames of the channel → links that are laid, joined and parted, and counted.

Knows of messages only that they have a type and bytes. What waits for a link, or for room in it, waits here, bounded.
"""

import os
import time
from collections import deque
from contextlib import suppress
from typing import Any

from exosdk.message import lent_from
from exosdk.ring import MESSAGE_MAX, BrokenError, Consumer, Producer
from exosdk.wire import Lay

ERROR, BLOCK, DROP_OLDEST = "error", "block", "drop-oldest"
FULL = (ERROR, BLOCK, DROP_OLDEST)
"""What becomes of a message that finds no room: its sender is told, or waits, or the oldest that waits is dropped."""
KEPT = 256
"""Messages that wait for a link, or for room in it, at most."""
BUCKETS = 24
"""Of a histogram: microseconds by their bits; the last for all that took longer than 4 s."""
_CHUNK_NAP = 0.0005


class LinkError(Exception):
    """The message was not sent: why, as "cannot VERB THING: reason"."""


class FullError(LinkError):
    """There is no room, and the link's sender chose to be told."""


class Out:
    """A sending end, from the first message on: `waiting` until exod has joined it, then a ring."""

    def __init__(self, peer: str, priority: str, *, full: str, patience: float) -> None:
        self.peer, self.priority, self.full = peer, priority, full
        self.id = self.instance = 0
        self.gone = ""
        self.never: list[int] = []
        self.ring: Producer | None = None
        self.slots = self.arena = 0
        self.joined = False
        self.waiting: deque[tuple[int, int, bytes, bytes, int]] = deque()
        self.messages = self.bytes = self.drops = self.unread = 0
        self._patience = patience

    def put(self, number: int, type_: int, head: bytes, data: Any, *, only: int = 0) -> list[int]:
        """Sent, or kept until it can be, for the instance `only` alone if there is one. Returns the numbers of what was
        dropped for it. Raises LinkError, BrokenError.
        """
        if only and self.instance not in (0, only):
            raise LinkError(f"cannot send to {self.peer}: it was restarted meanwhile")
        if not self.waiting and self.joined and self._write(type_, head, data):
            return []
        if self.full == DROP_OLDEST:
            return self._keep(number, type_, head, bytes(data), only)
        if not self.joined:
            if len(self.waiting) >= KEPT:
                self.drops += 1
                raise FullError(f"cannot send to {self.peer}: {KEPT} messages wait for the link already")
            return self._keep(number, type_, head, bytes(data), only)
        if self.full == BLOCK and self._outwait(type_, head, data):
            return []
        self.drops += 1
        raise FullError(f"cannot send to {self.peer}: the {self.priority} link is full")

    def flush(self) -> None:
        """What waits, as far as there is room. What never fits is in `never`."""
        while self.waiting and self.joined:
            number, type_, head, data, _ = self.waiting[0]
            try:
                if not self._write(type_, head, data):
                    return
            except LinkError:
                self.never.append(number)
                self.drops += 1
            self.waiting.popleft()

    def _keep(self, number: int, type_: int, head: bytes, data: bytes, only: int) -> list[int]:
        self.waiting.append((number, type_, head, data, only))
        dropped = []
        while len(self.waiting) > KEPT:
            dropped.append(self.waiting.popleft()[0])
        self.drops += len(dropped)
        return dropped

    def _outwait(self, type_: int, head: bytes, data: Any) -> bool:
        """The plugin's own time, and no longer than a call may take: two that wait for each other both end."""
        assert self.ring is not None
        until = time.monotonic() + self._patience
        while (left := until - time.monotonic()) > 0:
            if len(head) + len(data) <= MESSAGE_MAX:
                self.ring.wait(left)
            else:
                time.sleep(min(left, _CHUNK_NAP))  # a chunk that comes back wakes nobody
            if not self.waiting and self._write(type_, head, data):
                return True
            self.flush()
        return False

    def _write(self, type_: int, head: bytes, data: Any) -> bool:
        assert self.ring is not None
        size = len(head) + len(data)
        if size <= MESSAGE_MAX:
            sent = self.ring.push(type_, head + data)
        else:
            sent = self._lend(type_, head, data)
        if sent:
            self.messages += 1
            self.bytes += len(data)
        return sent

    def _lend(self, type_: int, head: bytes, data: Any) -> bool:
        assert self.ring is not None
        start = lent_from(len(head))
        try:
            loan = self.ring.loan(start + len(data))
        except ValueError:
            raise LinkError(
                f"cannot send to {self.peer}: {len(data)} bytes do not fit the link's arena of {self.arena}"
            ) from None
        if loan is None:
            return False
        with memoryview(loan) as chunk:
            chunk[: len(head)] = head
            chunk[start : start + len(data)] = data
        if self.ring.push_loan(type_, loan):
            return True
        loan.release()
        return False

    def made(self, lay: Lay, memory: int) -> None:
        """What waits for another instance than the one that is there now is an answer that nobody asked it for."""
        self.ring = Producer(memory, slots=lay.slots, arena=lay.arena)
        self.id, self.instance, self.slots, self.arena = lay.link, lay.instance, lay.slots, lay.arena
        kept = [one for one in self.waiting if one[-1] in (0, lay.instance)]
        self.drops += len(self.waiting) - len(kept)
        self.waiting = deque(kept)

    def met(self, memory: int, bell: int) -> None:
        assert self.ring is not None
        self.ring.attach(memory)
        self.ring.ring_on(bell)
        self.joined = True

    def end(self, reason: str) -> None:
        """`never` are the numbers of what it did not carry; what the peer did not read is counted."""
        self.gone = reason
        self.never += [number for number, *_ in self.waiting]
        self.waiting.clear()
        if self.ring is not None:
            with suppress(BrokenError, ValueError):  # then nobody knows, or it was never joined
                self.unread = self.ring.unread()
            self.ring.close()
        self.ring, self.joined = None, False

    def counts(self) -> list[Any]:
        """[id, messages, bytes, drops, depth in slots, unread]."""
        depth = 0
        if self.ring is not None and self.joined:
            try:
                depth = self.ring.depth()
            except BrokenError:
                depth = self.slots
        return [self.id, self.messages, self.bytes, self.drops, depth, self.unread]


class In:
    """A receiving end. `ending`: it is parted, and what was sent is still to be read. `lost`: its sender is no more."""

    def __init__(self, lay: Lay, memory: int) -> None:
        self.id, self.peer, self.instance, self.priority = lay.link, lay.peer, lay.instance, lay.priority
        self.slots, self.arena, self.calls = lay.slots, lay.arena, frozenset(lay.calls)
        self.ring = Consumer(memory, slots=lay.slots, arena=lay.arena)
        self.joined = self.ending = self.lost = False
        self.messages = self.dropped = 0
        self.took = [0] * BUCKETS

    def met(self, memory: int) -> None:
        self.ring.attach(memory)
        self.joined = True

    def noted(self, nanoseconds: int) -> None:
        """How long a message was on its way."""
        bits = (nanoseconds // 1000).bit_length() if nanoseconds > 0 else 0
        self.messages += 1
        self.took[bits if bits < BUCKETS else BUCKETS - 1] += 1

    def close(self) -> None:
        """Its memory stays for as long as the plugin looks at what was lent in it."""
        with suppress(RuntimeError):
            self.ring.close()
        self.joined = False

    def counts(self) -> list[Any]:
        """[id, messages, dropped, histogram]."""
        return [self.id, self.messages, self.dropped, self.took]


class Bells:
    """Of the instances that receive: one eventfd each, whichever link to it was joined first brought it.

    Rings write to its number, so that none is closed, nor another put in its place, while one of them is there.
    """

    def __init__(self) -> None:
        self._bells: dict[int, int] = {}

    def of(self, instance: int, fresh: list[int]) -> int:
        """-1 for none. One that is kept is taken out of `fresh`."""
        if fresh and instance not in self._bells:
            self._bells[instance] = fresh.pop()
        return self._bells.get(instance, -1)

    def drop(self, instance: int) -> None:
        if (bell := self._bells.pop(instance, -1)) >= 0:
            os.close(bell)
