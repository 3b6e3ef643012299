"""Two ends of a ring in one process, and what a hostile end can do to the memory that it writes."""

import fcntl
import mmap
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from exosdk import ring

F_ADD_SEALS, F_SEAL_FUTURE_WRITE = 1033, 0x0010
SEALS = 0x0001 | 0x0002 | 0x0004 | F_SEAL_FUTURE_WRITE
HEAD, TAIL, SLOTS = 0, 0, ring.PAGE
"""Where in the consumer's memory its head is, in the producer's its tail and its slots."""
RUNG, ASLEEP, CPU = 64, 68, 72
"""Of each side's bell, behind the first line."""
FEW = 32


def memory(size: int) -> int:
    fd = os.memfd_create("ring", os.MFD_ALLOW_SEALING | os.MFD_CLOEXEC)
    os.ftruncate(fd, size)
    return fd


def seal(fd: int, seals: int = SEALS) -> None:
    fcntl.fcntl(fd, F_ADD_SEALS, seals)


@dataclass
class Ends:
    """Both ends, and both memories once more as somebody hostile has them: `front` is the producer's."""

    producer: ring.Producer
    consumer: ring.Consumer
    front: mmap.mmap
    back: mmap.mmap
    slots: int

    def slot(self, position: int) -> int:
        """Where in `front` it lies."""
        return SLOTS + position % self.slots * ring.SLOT

    def scribble(self, position: int, header: int) -> None:
        at = self.slot(position)
        self.front[at : at + 8] = header.to_bytes(8, "little")

    def header(self, position: int) -> int:
        at = self.slot(position)
        return int.from_bytes(self.front[at : at + 8], "little")

    def drain(self) -> list[tuple[int, bytes]]:
        return self.consumer.pop_batch(1 << 20)


@contextmanager
def ends(slots: int = FEW, *, arena: int = 0) -> Iterator[Ends]:
    sizes = ring.memories(slots, arena=arena)
    fds = [memory(size) for size in sizes]
    maps = [mmap.mmap(fd, size) for fd, size in zip(fds, sizes, strict=True)]
    producer, consumer = (
        ring.Producer(fds[0], slots=slots, arena=arena),
        ring.Consumer(fds[1], slots=slots, arena=arena),
    )
    for fd in fds:
        seal(fd)
    producer.attach(fds[1])
    consumer.attach(fds[0])
    for fd in fds:
        os.close(fd)
    try:
        yield Ends(producer, consumer, maps[0], maps[1], slots)
    finally:
        producer.close()
        consumer.close()
        for one in maps:
            one.close()
