"""One end of a ring is killed in mid-traffic, now one, now the other; for each, what the survivor found wrong.

What it received has no gap up to its last message, none twice, none changed; what a dead consumer left unread is known
to the slot.
"""

import mmap
import os
import signal
import struct
from collections.abc import Callable, Sequence
from random import Random

from exosdk import ring
from tests.exosdk.ring import rig

SLOTS = 256
BATCH = 9
PATIENCE = 10.0
"""Seconds for which an end that lives may be silent."""


def payload(number: int) -> bytes:
    """Of one slot, two, or many: whoever knows the number knows it all."""
    return struct.pack("<Q", number) + bytes([number % 251]) * (0, 40, 48, 49, 300)[number % 5]


def push_on(fds: Sequence[int], counted: mmap.mmap, number: int = 0) -> None:
    """Numbers the messages, and notes which one is next."""
    producer = ring.Producer(fds[0], slots=SLOTS)
    rig.seal(fds[0])
    producer.attach(fds[1])
    while True:
        batch = [payload(one) for one in range(number, number + 1 + number % BATCH)]
        done = producer.push_batch(1, batch)
        number += done
        counted[:8] = struct.pack("<Q", number)
        if done < len(batch):
            producer.wait(PATIENCE)


def pop_on(fds: Sequence[int], counted: mmap.mmap) -> None:
    """Notes how many it received in order; from the first that is wrong on it notes nothing more."""
    consumer = ring.Consumer(fds[1], slots=SLOTS)
    rig.seal(fds[1])
    consumer.attach(fds[0])
    number = 0
    while True:
        for _, found in consumer.pop_batch(BATCH):
            if found != payload(number):
                os._exit(1)
            number += 1
            counted[:8] = struct.pack("<Q", number)
        consumer.wait(PATIENCE)


def forked(work: Callable[[], None]) -> int:
    pid = os.fork()
    if pid == 0:
        try:
            work()
        finally:
            os._exit(1)
    return pid


def ended(pid: int) -> list[str]:
    os.kill(pid, signal.SIGKILL)
    status = os.waitpid(pid, 0)[1]
    return [] if os.WIFSIGNALED(status) else ["the other end found something wrong before it was killed"]


def kill_producer(fds: Sequence[int], counted: mmap.mmap, *, after: int) -> list[str]:
    consumer = ring.Consumer(fds[1], slots=SLOTS)
    rig.seal(fds[1])
    pid = forked(lambda: push_on(fds, counted))
    attach(consumer, fds[0])
    wrong: list[str] = []
    number = received(consumer, 0, most=after, wrong=wrong)
    wrong += ended(pid)
    sent = struct.unpack("<Q", counted[:8])[0]
    number = received(consumer, number, most=None, wrong=wrong)
    if not sent <= number <= sent + BATCH:  # it may have died between a batch and its note
        wrong.append(f"{number} came of {sent} that were sent")
    return wrong


def received(consumer: ring.Consumer, number: int, *, most: int | None, wrong: list[str]) -> int:
    """Up to `most`; None: to the last one that is there, when nobody sends any more."""
    while most is None or number < most:
        found = consumer.pop()
        if found is None and most is None:
            break
        if found is None:
            consumer.wait(PATIENCE)
            continue
        if found != (1, payload(number)):
            wrong.append(f"message {number} is another one")
        number += 1
    return number


def kill_consumer(fds: Sequence[int], counted: mmap.mmap, *, after: int) -> list[str]:
    producer = ring.Producer(fds[0], slots=SLOTS)
    rig.seal(fds[0])
    pid = forked(lambda: pop_on(fds, counted))
    attach(producer, fds[1])
    number, slots = 0, [0]
    while number < after or struct.unpack("<Q", counted[:8])[0] < after // 2:
        if producer.push(1, payload(number)):
            number += 1
            slots.append(slots[-1] + -(-len(payload(number - 1)) // 56))
        else:
            producer.wait(PATIENCE)
    wrong = ended(pid)
    got, unread = struct.unpack("<Q", counted[:8])[0], producer.depth()
    if slots[min(got + BATCH, number)] < slots[number] - unread:  # it may have died between a batch and its note
        wrong.append(f"{unread} slots are unread, and it had only {got} of {number} messages")
    return wrong


def attach(end: ring.Producer | ring.Consumer, fd: int) -> None:
    """Once the other end has mapped its memory and sealed it."""
    while True:
        try:
            return end.attach(fd)
        except ValueError:
            os.sched_yield()


def strike(number: int) -> dict[str, object]:
    """Kill `number`: what it strikes, and when, follows from the number."""
    random = Random(f"traffic {number}")
    fds = [rig.memory(size) for size in ring.memories(SLOTS)]
    kind = "consumer" if number % 2 else "producer"
    with mmap.mmap(-1, mmap.PAGESIZE) as counted:
        kill = kill_consumer if number % 2 else kill_producer
        wrong = kill(fds, counted, after=random.choice((1, 50, 500, 3000)) + random.randrange(50))
    for fd in fds:
        os.close(fd)
    return {"number": number, "killed": kind, "violations": wrong}


def stream(first: int, count: int) -> dict[str, object]:
    """Messages FIRST and on, all of them, in order and as they were sent; the wrong end of it is told at once."""
    fds = [rig.memory(size) for size in ring.memories(SLOTS)]
    consumer = ring.Consumer(fds[1], slots=SLOTS)
    rig.seal(fds[1])
    with mmap.mmap(-1, mmap.PAGESIZE) as counted:
        pid = forked(lambda: push_on(fds, counted, first))
        attach(consumer, fds[0])
        number, silent = first, False
        while number < first + count and not silent:
            found = consumer.pop_batch(min(64, first + count - number))
            if found != [(1, payload(one)) for one in range(number, number + len(found))]:
                break
            number += len(found)
            silent = not found and not consumer.wait(PATIENCE)
        wrong = ended(pid)
    consumer.close()
    for fd in fds:
        os.close(fd)
    if number < first + count:
        wrong.append(f"{'nothing came after' if silent else 'another came at'} message {number}")
    return {"first": first, "messages": number - first, "violations": wrong}
