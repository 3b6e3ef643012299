"""Messages from one process to one other: the ring beside what else Python has for that. A process writes, its child
reads; each on a core of its own, but where both are said to sleep: then they share one.

All ways take turns within a round. What a message costs is the time until the reader has the last, by their number.
"""

import fcntl
import multiprocessing
import os
import socket
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple

from bench.rows import Row, faster_by, median
from exosdk import ring

SMALL, LARGE = (32, 56, 64, 256, 512), (4 << 10, 1 << 20)
AIMS = {("one-way", 32): 5.0, ("batch-16", 32): 8.0, ("lent", 4 << 10): 5.0}
"""Times faster than the best of the others at that size."""
_SLOTS, _ARENA = 4096, 16 << 20
_ADD_SEALS, _SEALS = 1033, 0x0001 | 0x0002 | 0x0004 | 0x0010
_CORES = sorted(os.sched_getaffinity(0))
_FIRST, _LAST = {_CORES[0]}, {_CORES[-1]}


class Way(NamedTuple):
    """send: the payload, so many times. receive: until there were so many of that size."""

    send: Callable[[bytes, int], object]
    receive: Callable[[int, int], object]


def rings(*, rounds: int, messages: int) -> list[Row]:
    costs: dict[int, dict[str, list[float]]] = {size: {} for size in (*SMALL, *LARGE)}
    turns: dict[str, list[float]] = {}
    pushes: list[tuple[float, float]] = []
    for _ in range(rounds):
        for size, of_size in costs.items():
            count = messages if size in SMALL else max(100, messages // (2 if size == min(LARGE) else 50))
            for name, make in (_OURS[size in SMALL] | _peers(size)).items():
                of_size.setdefault(name, []).append(_one_way(make(), bytes(size), count))
        for name, (make_turn, core) in _TURNS.items():
            turns.setdefault(name, []).append(_round_trip(make_turn, max(100, messages // 10), core))
        pushes.append(_push(messages))
    rows = [row for size, of_size in costs.items() for row in _rows(size, of_size)]
    trip = {name: median(samples) for name, samples in turns.items()}
    push, nothing = (median(samples) for samples in zip(*pushes, strict=True))
    return [
        *rows,
        Row("ring.round-trip.awake", trip["ring"], "ns", trip["pipe"], "os.pipe", None, faster_by(15.0)),
        Row("ring.round-trip.asleep", trip["ring asleep"], "ns", trip["pipe asleep"], "os.pipe", None, faster_by(0.91)),
        Row("ring.push", push, "ns", nothing, "a call that does nothing", None, faster_by(0.4)),
    ]


def _rows(size: int, costs: Mapping[str, Sequence[float]]) -> list[Row]:
    best = min(_peers(size), key=lambda name: median(costs[name]))
    peer = median(costs[best])
    aims = {name: faster_by(AIMS[name, size]) if (name, size) in AIMS else None for name in _OURS[size in SMALL]}
    return [Row(f"ring.{name}.{size}", median(costs[name]), "ns", peer, best, None, aim) for name, aim in aims.items()]


def _one_way(way: Way, payload: bytes, count: int) -> float:
    """Nanoseconds a message."""
    done, tell = os.pipe()
    pid = _forked(lambda: (os.write(tell, b"x"), way.receive(len(payload), count), os.write(tell, b"x")), _LAST)
    os.sched_setaffinity(0, _FIRST)
    os.read(done, 1)
    began = time.perf_counter_ns()
    way.send(payload, count)
    os.read(done, 1)
    took = time.perf_counter_ns() - began
    _buried(pid, (done, tell))
    return took / count


def _forked(work: Callable[[], object], cores: Collection[int]) -> int:
    pid = os.fork()
    if pid == 0:
        try:
            os.sched_setaffinity(0, cores)
            work()
        finally:
            os._exit(0)
    return pid


def _buried(pid: int, fds: Collection[int]) -> None:
    os.waitpid(pid, 0)
    os.sched_setaffinity(0, _CORES)
    for fd in fds:
        os.close(fd)


# --- the ring ---------------------------------------------------------------------------------------------------------


def _ends(arena: int = 0) -> tuple[ring.Producer, ring.Consumer]:
    fds = []
    for size in ring.memories(_SLOTS, arena=arena):
        fds.append(os.memfd_create("ring", os.MFD_ALLOW_SEALING | os.MFD_CLOEXEC))
        os.ftruncate(fds[-1], size)
    producer = ring.Producer(fds[0], slots=_SLOTS, arena=arena)
    consumer = ring.Consumer(fds[1], slots=_SLOTS, arena=arena)
    for fd in fds:
        fcntl.fcntl(fd, _ADD_SEALS, _SEALS)
    producer.attach(fds[1])
    consumer.attach(fds[0])
    for fd in fds:
        os.close(fd)
    return producer, consumer


def _ring() -> Way:
    producer, consumer = _ends()

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

    return Way(send, receive)


def _batches() -> Way:
    producer, consumer = _ends()

    def send(payload: bytes, count: int) -> None:
        batch = [payload] * 16
        while count > 0:
            if done := producer.push_batch(1, batch if count >= 16 else batch[:count]):
                count -= done
            else:
                producer.wait(1.0)

    def receive(_size: int, count: int) -> None:
        while count > 0:
            if found := consumer.pop_batch(16):
                count -= len(found)
            else:
                consumer.wait(1.0)

    return Way(send, receive)


def _lent(*, copied: bool) -> Way:
    """copied: written by the one and read by the other side, not merely handed over."""
    producer, consumer = _ends(_ARENA)

    def send(payload: bytes, count: int) -> None:
        while count:
            if (loan := producer.loan(len(payload))) is None:
                os.sched_yield()
                continue
            if copied:
                memoryview(loan)[:] = payload
            while not producer.push_loan(1, loan):
                producer.wait(1.0)
            count -= 1

    def receive(_size: int, count: int) -> None:
        while count:
            if (found := consumer.pop()) is None:
                consumer.wait(1.0)
            elif isinstance(found[1], ring.Borrowed):
                if copied:
                    bytes(found[1])
                found[1].release()
                count -= 1

    return Way(send, receive)


_OURS: Mapping[bool, dict[str, Callable[[], Way]]] = {
    True: {"one-way": _ring, "batch-16": _batches},
    False: {"lent": lambda: _lent(copied=False), "lent-and-copied": lambda: _lent(copied=True)},
}

# --- the others -------------------------------------------------------------------------------------------------------


def _peers(size: int) -> dict[str, Callable[[], Way]]:
    peers: dict[str, Callable[[], Way]] = {"os.pipe": _pipe, "multiprocessing.Pipe": _connection}
    return peers if size > 64 << 10 else peers | {"SEQPACKET": _seqpacket}  # whose messages end at some 200 KB


def _pipe() -> Way:
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

    return Way(send, receive)


def _seqpacket() -> Way:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    return Way(
        lambda payload, count: [ours.send(payload) for _ in range(count)],
        lambda size, count: [theirs.recv(size) for _ in range(count)],
    )


def _connection() -> Way:
    source, sink = multiprocessing.Pipe(duplex=False)

    def send(payload: bytes, count: int) -> None:
        for _ in range(count):
            sink.send_bytes(payload)

    return Way(send, lambda _size, count: [source.recv_bytes() for _ in range(count)])


# --- there and back ---------------------------------------------------------------------------------------------------

Turn = Callable[[], tuple[Callable[[], object], Callable[[], object]]]
"""What asks and waits for the answer, and what waits and answers."""


def _round_trip(make: Turn, count: int, core: Collection[int]) -> float:
    """Nanoseconds, the median of `count`."""
    ask, answer = make()
    pid = _forked(lambda: [answer() for _ in range(count)], core)
    os.sched_setaffinity(0, _FIRST)
    took = []
    for _ in range(count):
        began = time.perf_counter_ns()
        ask()
        took.append(float(time.perf_counter_ns() - began))
    _buried(pid, ())
    return median(took)


def _ring_turn(*, asleep: bool) -> tuple[Callable[[], object], Callable[[], object]]:
    there, back = _ends(), _ends()

    def next_of(consumer: ring.Consumer) -> bool:
        while consumer.pop() is None:
            if asleep:
                consumer.wait(1.0)
        return True

    return (
        lambda: (there[0].push(1, b"x" * 32), next_of(back[1])),
        lambda: (next_of(there[1]), back[0].push(1, b"x" * 32)),
    )


def _pipe_turn() -> tuple[Callable[[], object], Callable[[], object]]:
    (there, ask), (back, answer) = os.pipe(), os.pipe()
    return (
        lambda: (os.write(ask, b"x" * 32), os.read(back, 32)),
        lambda: (os.read(there, 32), os.write(answer, b"x" * 32)),
    )


_TURNS: Mapping[str, tuple[Turn, Collection[int]]] = {
    "ring": (lambda: _ring_turn(asleep=False), _LAST),
    "pipe": (_pipe_turn, _LAST),
    "ring asleep": (lambda: _ring_turn(asleep=True), _FIRST),
    "pipe asleep": (_pipe_turn, _FIRST),
}


def _push(count: int) -> tuple[float, float]:
    """Nanoseconds of a push, and of a call of a function in C that does nothing, loop included."""
    producer, consumer = _ends()
    push, nothing, took, idle = producer.push, "".isascii, 0, 0
    for _ in range(max(1, count // _SLOTS)):
        began = time.perf_counter_ns()
        for _ in range(_SLOTS):
            push(1, b"x" * 32)
        between = time.perf_counter_ns()
        for _ in range(_SLOTS):
            nothing()
        took, idle = took + between - began, idle + time.perf_counter_ns() - between
        consumer.pop_batch(_SLOTS)
        consumer.wait(0)
    pushed = max(1, count // _SLOTS) * _SLOTS
    return took / pushed, idle / pushed
