"""A second process writes on one field of a ring's memories as fast as it can, while both ends use the ring.

A round has rings of its own, for most fields break them. What came of a round: how often the field was written, whether
the ring broke, and what nobody may see: a message that no ring carries, or, where only words were written that carry
none, one that was not sent, or a ring that broke.
"""

import mmap
import os
import struct
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any, NamedTuple
from zlib import crc32

from exosdk import ring
from tests.exosdk.ring import rig, traffic
from tests.exosdk.ring.rig import FEW, Ends

ARENA = 16 << 10
RETURNS = ring.PAGE
ARENA_AT = rig.SLOTS + -(-FEW * ring.SLOT // ring.PAGE) * ring.PAGE
USES = 60
CARED_FOR = b"\xa5"


class Field(NamedTuple):
    """`memory`: who writes it by right. `places`: where it lies, again and again. `breaks`: a ring may end by it;
    `changes`: what a message says may come out otherwise."""

    memory: str
    size: int
    places: tuple[int, ...]
    breaks: bool = False
    changes: bool = False


_SLOTS = tuple(rig.SLOTS + ring.SLOT * position for position in range(FEW))
FIELDS = {
    "tail": Field("front", 8, (rig.TAIL,)),
    "producer's rung": Field("front", 4, (rig.RUNG,)),
    "producer's asleep": Field("front", 4, (rig.ASLEEP,)),
    "producer's cpu": Field("front", 4, (rig.CPU,)),
    "headers": Field("front", 8, _SLOTS, breaks=True, changes=True),
    "payloads": Field("front", 56, tuple(at + 8 for at in _SLOTS), breaks=True, changes=True),
    "arena": Field("front", 64, tuple(range(ARENA_AT, ARENA_AT + ARENA, 64)), changes=True),
    "head": Field("back", 8, (rig.HEAD,), breaks=True, changes=True),
    "consumer's rung": Field("back", 4, (rig.RUNG,)),
    "consumer's asleep": Field("back", 4, (rig.ASLEEP,)),
    "consumer's cpu": Field("back", 4, (rig.CPU,)),
    "returns": Field("back", 8, tuple(range(RETURNS, RETURNS + ARENA // ring.UNIT * 8, 8)), breaks=True, changes=True),
}


def scribble(memory: mmap.mmap, what: Field, told: mmap.mmap, random: Random) -> None:
    """Until the parent says so, or is gone. What is nearly right is worth more than noise."""
    parent, writes = os.getppid(), 0
    while not told[8] and (writes % 1024 or os.getppid() == parent):
        at = what.places[random.randrange(len(what.places))]
        now = int.from_bytes(memory[at : at + what.size], "little")
        near = (now + (random.choice((1, -1)) << random.randrange(what.size * 8))) % (1 << what.size * 8)
        value = random.choice((near, near, random.getrandbits(what.size * 8), 0, -1 % (1 << what.size * 8)))
        memory[at : at + what.size] = value.to_bytes(what.size, "little")
        writes += 1
        told[:8] = struct.pack("<Q", writes)
    os._exit(0)


def message(number: int) -> bytes:
    """Of one slot or several; its checksum is its own."""
    body = struct.pack("<Q", number) + bytes([number % 251]) * (number * 37 % 120)
    return body + struct.pack("<I", crc32(body))


@dataclass
class Uses:
    """Both ends, in turn. `sent` is what did not arrive yet: type and payload."""

    ends: Ends
    what: Field
    wrong: list[str] = field(default_factory=list)
    sent: deque[tuple[int, bytes]] = field(default_factory=deque)
    held: list[ring.Loan] = field(default_factory=list)
    number: int = 0
    longest: float = 0.0

    def use(self) -> None:
        began = time.monotonic()
        for step in (self.push, self.lend, self.receive, self.wait):
            step()
        self.longest = max(self.longest, time.monotonic() - began)

    def push(self) -> None:
        several = [message(number) for number in range(self.number, self.number + self.number % 3 + 1)]
        done = self.ends.producer.push_batch(1, several)
        self.sent += [(1, one) for one in several[:done]]
        self.number += len(several)

    def lend(self) -> None:
        """One that is kept meanwhile is nobody else's, whatever the other end says it gave back."""
        size = (700, 1500, 4096)[self.number % 3]
        loan = self.ends.producer.loan(size)
        if loan is None:
            if self.held:
                self.let_go()
            return
        with memoryview(loan) as view:
            view[:] = CARED_FOR * size if self.number % 2 else bytes([self.number % 251]) * size
        if self.number % 2:
            self.held.append(loan)
        elif self.ends.producer.push_loan(2, loan):
            self.sent.append((2, bytes([self.number % 251]) * size))

    def let_go(self) -> None:
        loan = self.held.pop()
        with memoryview(loan) as view:
            if self.what.memory == "back" and bytes(view) != CARED_FOR * len(loan):
                self.wrong.append("a chunk was lent to two at a time")
        loan.release()

    def receive(self) -> None:
        for kind, payload in self.ends.consumer.pop_batch(5):
            found = bytes(payload)
            if len(found) > (ARENA if isinstance(payload, ring.Borrowed) else ring.MESSAGE_MAX):
                self.wrong.append(f"a message of {len(found)} bytes")
            if not self.what.changes and (not self.sent or (kind, found) != self.sent.popleft()):
                self.wrong.append("a message that was not sent, or not next")

    def wait(self) -> None:
        self.ends.consumer.wait(0.0002)
        self.ends.producer.wait(0.0)
        self.ends.consumer.listen()
        if self.ends.producer.unread() > FEW:
            self.wrong.append("more is unread than the ring holds")


def round_of(name: str, number: int) -> dict[str, Any]:
    what = FIELDS[name]
    with rig.ends(arena=ARENA) as ends, mmap.mmap(-1, mmap.PAGESIZE) as told:
        memory = ends.front if what.memory == "front" else ends.back
        pid = traffic.forked(lambda: scribble(memory, what, told, Random(f"{name} {number}")))
        while not told[:8].strip(b"\0"):
            os.sched_yield()
        doorbell = os.eventfd(0)
        ends.producer.ring_on(doorbell)
        uses = Uses(ends, what)
        broken = used(uses)
        os.close(doorbell)
        told[8] = 1
        if os.waitpid(pid, 0)[1] != 0:
            uses.wrong.append("the writer died")
        uses.held.clear()
        if broken and not what.breaks:
            uses.wrong.append("the ring broke")
        writes = struct.unpack("<Q", told[:8])[0]
    return {"writes": writes, "broken": broken, "longest": uses.longest, "violations": uses.wrong}


def used(uses: Uses) -> bool:
    """Whether it broke. An end that is broken stays so, and the other one is used on."""
    broken = False
    for _ in range(USES):
        for step in (uses.use, uses.receive):
            try:
                step()
            except ring.BrokenError:
                broken = True
    return broken


def rounds(name: str, *, enough: Callable[[int, int], bool]) -> dict[str, Any]:
    """Rounds until there were enough of them, and of writes."""
    found: list[dict[str, Any]] = []
    while not enough(len(found), sum(row["writes"] for row in found)):
        found.append(round_of(name, len(found)))
    return {
        "field": name,
        "rounds": len(found),
        "writes": sum(row["writes"] for row in found),
        "broke": sum(row["broken"] for row in found),
        "longest use, ms": round(max(row["longest"] for row in found) * 1000, 1),
        "violations": sorted({wrong for row in found for wrong in row["violations"]}),
    }
