"""Ways from one process to one other that need nothing installed: the ring, pipes, SEQPACKET, multiprocessing.Pipe."""

import fcntl
import multiprocessing
import os
import socket
from collections.abc import Callable, Mapping
from typing import NamedTuple

from exosdk import ring

SLOTS, ARENA = 4096, 16 << 20
_ADD_SEALS, _SEALS = 1033, 0x0001 | 0x0002 | 0x0004 | 0x0010

Send = Callable[[bytes, int], object]
"""The payload, so many times."""
Receive = Callable[[int, int], object]
"""Of that size, until there were so many."""
Ask = Callable[[], object]
"""A message, and the answer to it."""
Answer = Callable[[int], object]
"""So many."""
TURN = bytes(32)


class Way(NamedTuple):
    """Each end is opened in the process that has it, the receiver's first, before time is taken. Then `warm` messages
    go before those that are counted: what is connected, or mapped, at first use is no message's cost.
    """

    sender: Callable[[], Send]
    receiver: Callable[[], Receive]
    warm: int = 1


class Turn(NamedTuple):
    """As a Way: the one that answers is opened first."""

    asker: Callable[[], Ask]
    answerer: Callable[[], Answer]


class Peer(NamedTuple):
    """largest: bytes of a message. share: one message where the ring has so many. sleeps: while it waits."""

    way: Callable[[], Way]
    turn: Callable[[], Turn]
    largest: int = 1 << 30
    share: int = 1
    sleeps: bool = True


def two_ways(make: Callable[[], Way]) -> Callable[[], Turn]:
    """There by one, back by another."""

    def turn() -> Turn:
        there, back = make(), make()

        def asker() -> Ask:
            receive, send = back.receiver(), there.sender()
            return lambda: (send(TURN, 1), receive(len(TURN), 1))

        def answerer() -> Answer:
            receive, send = there.receiver(), back.sender()
            return lambda count: [(receive(len(TURN), 1), send(TURN, 1)) for _ in range(count)]

        return Turn(asker, answerer)

    return turn


# --- the ring ---------------------------------------------------------------------------------------------------------


def ends(arena: int = 0) -> tuple[ring.Producer, ring.Consumer]:
    fds = []
    for size in ring.memories(SLOTS, arena=arena):
        fds.append(os.memfd_create("ring", os.MFD_ALLOW_SEALING | os.MFD_CLOEXEC))
        os.ftruncate(fds[-1], size)
    producer = ring.Producer(fds[0], slots=SLOTS, arena=arena)
    consumer = ring.Consumer(fds[1], slots=SLOTS, arena=arena)
    for fd in fds:
        fcntl.fcntl(fd, _ADD_SEALS, _SEALS)
    producer.attach(fds[1])
    consumer.attach(fds[0])
    for fd in fds:
        os.close(fd)
    return producer, consumer


def one_by_one() -> Way:
    producer, consumer = ends()

    def send(payload: bytes, count: int) -> None:
        push = producer.push
        for _ in range(count):
            while not push(1, payload):
                producer.wait(1.0)

    def receive(_size: int, count: int) -> None:
        pop = consumer.pop
        while count:
            if pop() is None:
                consumer.wait(1.0)
            else:
                count -= 1

    return Way(lambda: send, lambda: receive, SLOTS)


def batches(size: int) -> Way:
    producer, consumer = ends()

    def send(payload: bytes, count: int) -> None:
        batch = [payload] * size
        while count > 0:
            if done := producer.push_batch(1, batch if count >= size else batch[:count]):
                count -= done
            else:
                producer.wait(1.0)

    def receive(_size: int, count: int) -> None:
        while count > 0:
            if found := consumer.pop_batch(size):
                count -= len(found)
            else:
                consumer.wait(1.0)

    return Way(lambda: send, lambda: receive, SLOTS)


def lent(*, copied: bool) -> Way:
    """copied: written by the one and read by the other side, not merely handed over."""
    producer, consumer = ends(ARENA)

    def send(payload: bytes, count: int) -> None:
        take, push, size = producer.loan, producer.push_loan, len(payload)
        while count:
            if (loan := take(size)) is None:
                os.sched_yield()
                continue
            if copied:
                memoryview(loan)[:] = payload
            while not push(1, loan):
                producer.wait(1.0)
            count -= 1

    def receive(_size: int, count: int) -> None:
        pop = consumer.pop
        while count:
            if (found := pop()) is None:
                consumer.wait(1.0)
            else:
                if copied:
                    bytes(found[1])
                count -= 1
                del found  # with nobody who has it, the chunk goes back

    return Way(lambda: send, lambda: receive, 256)


def ring_turn(*, waits: bool) -> Callable[[], Turn]:
    """waits: as a plugin would, which may sleep. Else it looks until there is something."""

    def turn() -> Turn:
        there, back = ends(), ends()

        def next_of(consumer: ring.Consumer) -> None:
            while consumer.pop() is None:
                if waits:
                    consumer.wait(1.0)

        def answer(count: int) -> None:
            for _ in range(count):
                next_of(there[1])
                back[0].push(1, TURN)

        def ask() -> None:
            there[0].push(1, TURN)
            next_of(back[1])

        return Turn(lambda: ask, lambda: answer)

    return turn


SMALL: Mapping[str, Callable[[], Way]] = {
    "one-way": one_by_one,
    "batch-10": lambda: batches(10),
    "batch-16": lambda: batches(16),
    "batch-64": lambda: batches(64),
}
LARGE: Mapping[str, Callable[[], Way]] = {
    "lent": lambda: lent(copied=False),
    "lent-and-copied": lambda: lent(copied=True),
}

# --- the others -------------------------------------------------------------------------------------------------------


def pipe() -> Way:
    source, sink = os.pipe()

    def send(payload: bytes, count: int) -> None:
        for _ in range(count):
            rest = os.write(sink, payload)
            while rest < len(payload):
                rest += os.write(sink, payload[rest:])

    def receive(size: int, count: int) -> None:
        left = size * count
        while left:
            left -= len(os.read(source, size))

    return Way(lambda: send, lambda: receive)


def seqpacket() -> Way:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    return Way(
        lambda: lambda payload, count: [ours.send(payload) for _ in range(count)],
        lambda: lambda size, count: [theirs.recv(size) for _ in range(count)],
    )


def connection() -> Way:
    source, sink = multiprocessing.Pipe(duplex=False)

    def send(payload: bytes, count: int) -> None:
        for _ in range(count):
            sink.send_bytes(payload)

    return Way(lambda: send, lambda: lambda _size, count: [source.recv_bytes() for _ in range(count)])


KERNEL: Mapping[str, Peer] = {
    "os.pipe": Peer(pipe, two_ways(pipe)),
    "multiprocessing.Pipe": Peer(connection, two_ways(connection)),
    "SEQPACKET": Peer(seqpacket, two_ways(seqpacket), largest=64 << 10),  # whose messages end at some 200 KB
}
