"""Messages from one process to one other: the ring beside what else Python has for that. A process writes, its child
reads; each on a core of its own, but where both are said to have one.

All ways take turns within a round. What a message costs is the time until the reader has the last, by their number.
"""

import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from bench.ring_ways import KERNEL, LARGE, SLOTS, SMALL, TURN, Peer, Turn, Way, ends, ring_turn
from bench.rows import Aim, Row, faster_by, median, percentile

SMALL_SIZES, LARGE_SIZES = (32, 56, 64, 256, 512), (4 << 10, 1 << 20)
AIMS = {("one-way", 32): 5.0, ("batch-16", 32): 8.0, ("lent", 4 << 10): 5.0}
"""Times faster than the best of the others at that size."""


class Kind(NamedTuple):
    """Of round trips. waits: the ring may sleep, as a plugin would; else it looks until there is something. pause:
    seconds before each, in which whoever waits falls asleep. few: one trip where others have so many.
    """

    waits: bool
    core: Collection[int]
    aim: Aim
    pause: float = 0.0
    few: int = 1


DEADLINE = 60
_CORES = sorted(os.sched_getaffinity(0))
FIRST, LAST = {_CORES[0]}, {_CORES[-1]}

KINDS = {
    "awake": Kind(waits=False, core=LAST, aim=faster_by(15.0)),
    "one-core": Kind(waits=True, core=FIRST, aim=faster_by(0.91)),
    "asleep": Kind(waits=True, core=LAST, aim=faster_by(0.91), pause=3e-4, few=10),
}
Costs = dict[str, list[float]]


def rings(peers: Mapping[str, Peer], *, rounds: int, messages: int) -> list[Row]:
    """`peers` beside those that every kernel has. One that fails has no figure from then on, and is named."""
    everybody = dict(KERNEL) | dict(peers)
    costs: dict[int, Costs] = {size: {} for size in (*SMALL_SIZES, *LARGE_SIZES)}
    trips: dict[str, Costs] = {kind: {} for kind in KINDS}
    calls: list[Sequence[float]] = []
    for _ in range(rounds):
        for size, of_size in costs.items():
            _one_way_of_all(size, of_size, everybody, messages)
        for kind, of_kind in trips.items():
            _turns_of_all(KINDS[kind], of_kind, everybody, messages // 10)
        calls.append(staged(partial(pushes, max(3, messages // SLOTS))))
    push, nothing = (median(samples) for samples in zip(*calls, strict=True))
    return [
        *(row for size, of_size in costs.items() for row in _rows(size, of_size)),
        *(row for kind, of_kind in trips.items() for row in _turn_rows(kind, of_kind)),
        Row("ring.push", push, "ns", nothing, "a call that does nothing", None, faster_by(0.4)),
    ]


def _ours(size: int) -> Mapping[str, Callable[[], Way]]:
    return SMALL if size in SMALL_SIZES else LARGE


def _one_way_of_all(size: int, into: Costs, peers: dict[str, Peer], messages: int) -> None:
    count = messages if size in SMALL_SIZES else messages // (2 if size == min(LARGE_SIZES) else 400)
    for name, make in _ours(size).items():
        into.setdefault(name, []).extend(staged(partial(one_way, make, bytes(size), max(100, count))))
    for name, peer in list(peers.items()):
        if size <= peer.largest:
            few = max(10, count // peer.share)
            figures = _tried(name, peers, partial(one_way, peer.way, bytes(size), few))
            into.setdefault(name, []).extend(figures)


def _turns_of_all(kind: Kind, into: Costs, peers: dict[str, Peer], count: int) -> None:
    ours = partial(round_trips, ring_turn(waits=kind.waits), max(100, count // kind.few), kind.core, kind.pause)
    into.setdefault("ring", []).extend(staged(ours))
    for name, peer in list(peers.items()):
        # What never sleeps would only be measured waiting for the scheduler.
        if peer.sleeps or not kind.waits:
            few = max(20, count // max(kind.few, peer.share))
            figures = _tried(name, peers, partial(round_trips, peer.turn, few, kind.core, kind.pause))
            into.setdefault(name, []).extend(figures)


# --- figures → rows ---------------------------------------------------------------------------------------------------


def _rows(size: int, costs: Costs) -> list[Row]:
    """Ours beside the best of the others, then one of ours beside each: of those that copy one that copies."""
    typical = {name: median(samples) for name, samples in costs.items() if samples}
    ours = _ours(size)
    others = {name: cost for name, cost in typical.items() if name not in ours}
    best = min(others, key=lambda name: others[name])
    aims = {name: faster_by(AIMS[name, size]) if (name, size) in AIMS else None for name in ours}
    alike = typical["one-way" if size in SMALL_SIZES else "lent-and-copied"]
    return [
        *(Row(f"ring.{name}.{size}", typical[name], "ns", others[best], best, None, aim) for name, aim in aims.items()),
        *(Row(f"ring.{size}.{_slug(name)}", alike, "ns", cost, name) for name, cost in others.items()),
    ]


def _turn_rows(kind: str, trips: Costs) -> list[Row]:
    """Beside os.pipe with the aim, then beside each of the others; half of the trips, and all but one of a hundred."""
    ours = trips.pop("ring")
    rows = []
    for name, samples in sorted(trips.items(), key=lambda item: item[0] != "os.pipe"):
        against = "" if name == "os.pipe" else f".{_slug(name)}"
        for mark, share in (("", 0.5), (".p99", 0.99)):
            peer = percentile(samples, share) if samples else None
            kept = KINDS[kind].aim if not against and not mark else None
            row = Row(f"ring.round-trip.{kind}{against}{mark}", percentile(ours, share), "ns", peer, name, None, kept)
            rows += [row] if samples else []
    return rows


def _slug(name: str) -> str:
    return name.replace(" ", "-")


# --- one measurement --------------------------------------------------------------------------------------------------


def _tried(name: str, peers: dict[str, Peer], work: Callable[[], Sequence[float]]) -> Sequence[float]:
    """Nothing where the peer failed, which is left out of everything after."""
    try:
        return staged(work)
    except ChildProcessError:
        print(f"bench: rings: {name} failed and is left out", file=sys.stderr, flush=True)
        peers.pop(name, None)
        return []


def staged(work: Callable[[], Sequence[float]]) -> Sequence[float]:
    """In a process that ends with all that it opened: no descriptor, thread or library is left for the next."""
    source, sink = os.pipe()
    pid = _forked(lambda: os.write(sink, json.dumps(work()).encode()), FIRST)
    os.close(sink)
    with open(source, "rb") as said:
        figures = said.read()
    if os.waitpid(pid, 0)[1]:
        raise ChildProcessError("a way that is measured failed")
    found: Sequence[float] = json.loads(figures)
    return found


def _forked(work: Callable[[], object], cores: Collection[int]) -> int:
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            signal.alarm(DEADLINE)  # ends who waits for somebody that has died
            os.sched_setaffinity(0, cores)
            work()
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    return pid


class Other:
    """The process at the other end, which says when it is ready and when it has all; it stays until it is let go."""

    def __init__(self, work: Callable[[Callable[[], object]], object], core: Collection[int]) -> None:
        self._done, tell = os.pipe()
        stay, self._leave = os.pipe()

        def live() -> None:
            os.close(self._leave)
            work(lambda: os.write(tell, b"x"))
            os.read(stay, 1)

        self._pid = _forked(live, core)
        os.close(tell)
        self.hear()

    def hear(self) -> None:
        if not os.read(self._done, 1):
            raise ChildProcessError("the other end has ended")

    def let_go(self) -> None:
        os.close(self._leave)
        os.waitpid(self._pid, 0)


def one_way(make: Callable[[], Way], payload: bytes, count: int) -> list[float]:
    """Nanoseconds a message."""
    way = make()

    def read(tell: Callable[[], object]) -> None:
        receive = way.receiver()
        tell()
        for wanted in (way.warm, count):
            receive(len(payload), wanted)
            tell()

    other = Other(read, LAST)
    send = way.sender()
    send(payload, way.warm)
    other.hear()
    began = time.perf_counter_ns()
    send(payload, count)
    other.hear()
    took = time.perf_counter_ns() - began
    other.let_go()
    return [took / count]


def round_trips(make: Callable[[], Turn], count: int, core: Collection[int], pause: float = 0.0) -> list[float]:
    """Nanoseconds of each."""
    turn = make()

    def reply(tell: Callable[[], object]) -> None:
        answer = turn.answerer()
        tell()
        answer(count + 1)

    other = Other(reply, core)
    ask = turn.asker()
    ask()
    took = []
    for _ in range(count):
        if pause:
            time.sleep(pause)
        began = time.perf_counter_ns()
        ask()
        took.append(float(time.perf_counter_ns() - began))
    other.let_go()
    return took


def pushes(rounds: int) -> list[float]:
    """Nanoseconds of a push into an empty ring, and of a call of a function in C that does nothing, loop included."""
    producer, consumer = ends()
    push, nothing, took, idle = producer.push, "".isascii, 0, 0
    for number in range(rounds + 1):
        began = time.perf_counter_ns()
        for _ in range(SLOTS):
            push(1, TURN)
        between = time.perf_counter_ns()
        for _ in range(SLOTS):
            nothing()
        if number:  # the first finds its memory
            took, idle = took + between - began, idle + time.perf_counter_ns() - between
        consumer.pop_batch(SLOTS)
        consumer.wait(0)
    return [took / rounds / SLOTS, idle / rounds / SLOTS]
