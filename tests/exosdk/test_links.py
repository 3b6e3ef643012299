"""One end of a link: what it does with messages that find no room, and what it counts."""

import os
import threading
from collections.abc import Iterator

import pytest

from exod.brokers.router.memories import Memories
from exosdk import ring
from exosdk.links import BLOCK, BUCKETS, DROP_OLDEST, ERROR, KEPT, Bells, FullError, In, LinkError, Out
from exosdk.wire import Lay
from tests.exosdk.post_office import nothing_left_open

SLOTS, ARENA = 32, 4096
BIG = bytes(2000)


def lay(link: int = 1, *, instance: int = 9, sends: bool = True) -> Lay:
    return Lay(link, "bob", instance, sends, "normal", SLOTS, ARENA, ())


class Pair:
    """A sending end, and the ring's other end."""

    def __init__(self) -> None:
        self.out = Out("bob", "normal", full=ERROR, patience=60.0)

    def made(self, *, instance: int = 9) -> None:
        with Memories(SLOTS, ARENA) as memory:
            self.out.made(lay(instance=instance), memory.front)
            self.consumer = ring.Consumer(memory.back, slots=SLOTS, arena=ARENA)
            memory.seal()
            self.consumer.attach(memory.front)
            self.out.met(memory.back, -1)
            self.out.flush()

    def put(self, *numbers: int, data: bytes = b"x") -> list[int]:
        return [dropped for number in numbers for dropped in self.out.put(number, 3, b"%3d:" % number, data)]

    def fill(self) -> int:
        """How many had room."""
        number = 0
        while True:
            try:
                self.put(number + 1)
            except FullError:
                return number
            number += 1

    def drain(self) -> list[int]:
        return [int(bytes(payload)[:3]) for _, payload in self.consumer.pop_batch(1000)]

    def close(self) -> None:
        self.out.end("over")
        if hasattr(self, "consumer"):
            self.consumer.close()


@pytest.fixture
def pair() -> Iterator[Pair]:
    with nothing_left_open():
        made = Pair()
        yield made
        made.close()


def test_what_waits_for_the_link_is_sent_in_order_when_it_is_joined(pair: Pair) -> None:
    pair.put(1, 2, 3)
    assert pair.out.counts()[1] == 0
    pair.made()
    pair.put(4)
    assert pair.drain() == [1, 2, 3, 4]
    assert pair.out.counts() == [1, 4, 4, 0, 0, 0]


def test_of_what_waits_for_the_link_there_is_a_most(pair: Pair) -> None:
    pair.put(*range(KEPT))
    with pytest.raises(FullError, match="wait for the link already"):
        pair.put(999)
    assert pair.out.drops == 1


def test_a_full_link_that_is_to_say_so_raises_and_counts(pair: Pair) -> None:
    pair.made()
    sent = pair.fill()
    assert (sent, pair.out.drops, pair.out.counts()[4]) == (SLOTS, 1, SLOTS)
    assert pair.drain() == [*range(1, SLOTS + 1)]
    assert pair.put(50) == []


def test_a_full_link_that_drops_the_oldest_keeps_the_newest(pair: Pair) -> None:
    pair.out.full = DROP_OLDEST
    pair.made()
    dropped = pair.put(*range(1, SLOTS + KEPT + 4))
    assert dropped == [SLOTS + 1, SLOTS + 2, SLOTS + 3]
    assert pair.out.drops == 3
    arrived = []
    while found := pair.drain():
        arrived += found
        pair.out.flush()
    assert arrived == [*range(1, SLOTS + 1), *range(SLOTS + 4, SLOTS + KEPT + 4)]


@pytest.mark.parametrize("data", [b"x", BIG])
def test_a_full_link_that_blocks_waits_for_room(pair: Pair, data: bytes) -> None:
    pair.made()
    sent, pair.out.full = 0, ERROR
    while True:
        try:
            pair.put(sent + 1, data=data)
        except FullError:
            break
        sent += 1
    pair.out.full = BLOCK
    arrived: list[int] = []
    reader = threading.Thread(target=lambda: arrived.extend(pair.drain()))
    reader.start()
    pair.put(sent + 1, data=data)
    reader.join()
    arrived += pair.drain()
    assert arrived == [*range(1, sent + 2)]
    assert pair.out.drops == 1


def test_a_link_that_blocks_gives_up_when_its_patience_is_over(pair: Pair) -> None:
    pair.out.full, pair.out._patience = BLOCK, 0.001
    pair.made()
    assert pair.fill() == SLOTS
    assert pair.out.drops == 1


def test_what_can_never_be_sent_is_refused_at_once_or_named_once_it_is_known(pair: Pair) -> None:
    pair.put(1)
    pair.put(2, data=bytes(ARENA))
    pair.put(3)
    pair.made()
    assert (pair.drain(), pair.out.never, pair.out.drops) == ([1, 3], [2], 1)
    with pytest.raises(LinkError, match="do not fit the link's arena of 4096"):
        pair.put(4, data=bytes(ARENA))


def test_a_large_message_that_finds_no_slot_gives_its_room_back(pair: Pair) -> None:
    pair.made()
    pair.fill()
    for _ in range(10):
        with pytest.raises(FullError):
            pair.put(1, data=BIG)
    pair.drain()
    pair.put(40, data=BIG)
    assert pair.drain() == [40]


def test_what_is_for_one_instance_is_not_sent_to_the_next(pair: Pair) -> None:
    pair.put(1)
    pair.out.put(2, 3, b"  2:", b"", only=8)
    pair.out.put(3, 3, b"  3:", b"", only=9)
    pair.made(instance=9)
    assert (pair.drain(), pair.out.drops) == ([1, 3], 1)
    with pytest.raises(LinkError, match="was restarted meanwhile"):
        pair.out.put(4, 3, b"  4:", b"", only=8)


def test_at_the_end_what_was_not_read_is_counted_and_what_was_not_sent_is_named(pair: Pair) -> None:
    pair.out.full = DROP_OLDEST
    pair.made()
    pair.put(*range(1, SLOTS + 3))
    pair.out.end("instance-lost")
    pair.out.end("instance-lost")
    assert (pair.out.unread, pair.out.never) == (SLOTS, [SLOTS + 1, SLOTS + 2])


def test_an_end_that_is_not_joined_counts_nothing() -> None:
    out = Out("bob", "normal", full=ERROR, patience=1.0)
    assert out.counts() == [0] * 6


def test_a_receiving_end_counts_how_long_messages_took_in_powers_of_two() -> None:
    with Memories(SLOTS, ARENA) as memory:
        end = In(lay(sends=False), memory.back)
        for nanoseconds in (-5, 0, 999, 1000, 2000, 3999, 4000, 1 << 62):
            end.noted(nanoseconds)
        end.close()
    assert end.counts()[:3] == [1, 8, 0]
    assert end.took == [3, 1, 2, 1] + [0] * (BUCKETS - 5) + [1]


def test_a_receiving_end_that_closes_leaves_what_the_plugin_looks_at() -> None:
    with Memories(SLOTS, ARENA) as memory:
        end = In(lay(sends=False), memory.back)
        producer = ring.Producer(memory.front, slots=SLOTS, arena=ARENA)
        memory.seal()
        end.met(memory.front)
        producer.attach(memory.back)
    loan = producer.loan(600)
    assert loan is not None
    with memoryview(loan) as chunk:
        chunk[:] = b"a" * 600
    producer.push_loan(3, loan)
    ((_, payload),) = end.ring.pop_batch(9)
    with memoryview(payload) as view:
        end.close()
        producer.close()
        assert bytes(view) == b"a" * 600
    assert not end.joined


def test_of_the_doorbells_of_an_instance_the_first_is_kept() -> None:
    bells, made = Bells(), [os.eventfd(0) for _ in range(3)]
    first, second, other = ([one] for one in made)
    assert (bells.of(1, first), first) == (made[0], [])
    assert (bells.of(1, second), second) == (made[0], [made[1]])
    assert (bells.of(1, []), bells.of(2, [])) == (made[0], -1)
    assert bells.of(2, other) == made[2]
    os.close(made[1])
    for instance in (1, 2, 2):
        bells.drop(instance)
    assert bells.of(1, []) == -1
    for one in made:
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(one)
