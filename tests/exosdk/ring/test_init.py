"""One end pushes, the other pops: order, sizes, room, batches, and what both refuse of whoever uses them."""

import os
import threading
from collections.abc import Iterator
from random import Random

import pytest

from exosdk import ring
from tests.exosdk.ring import rig
from tests.exosdk.ring.rig import FEW, Ends


@pytest.fixture
def ends() -> Iterator[Ends]:
    with rig.ends() as ends:
        yield ends


@pytest.mark.parametrize("size", [0, 1, 55, 56, 57, 111, 112, 113, 500, 511, 512])
def test_a_message_arrives_as_it_was_sent(ends: Ends, size: int) -> None:
    payload = Random(size).randbytes(size)
    assert ends.producer.push(7, payload)
    assert ends.consumer.pop() == (7, payload)
    assert ends.consumer.pop() is None


def test_messages_come_out_in_the_order_they_went_in_round_after_round(ends: Ends) -> None:
    random, sent, got = Random(1), [], []
    for number in range(5_000):
        payload = number.to_bytes(4, "little") + random.randbytes(random.choice((0, 10, 52, 53, 200, 508)))
        if not ends.producer.push(number % 256, payload):
            got += ends.consumer.pop_batch(random.randint(1, 9))
            continue
        sent.append((number % 256, payload))
    assert got + ends.drain() == sent


def test_a_full_ring_takes_nothing_more_and_loses_nothing(ends: Ends) -> None:
    for number in range(FEW):
        assert ends.producer.push(1, bytes([number]))
    assert not ends.producer.push(1, b"one too many")
    assert ends.producer.depth() == FEW
    assert [payload[0] for _, payload in ends.drain()] == [*range(FEW)]
    assert ends.producer.depth() == 0


def test_room_comes_back_before_the_ring_is_empty(ends: Ends) -> None:
    ends.producer.push_batch(1, [b"x"] * FEW)
    ends.consumer.pop_batch(FEW // 4)
    assert ends.producer.push_batch(1, [b"x"] * FEW) == FEW // 4


def test_a_large_message_waits_for_all_of_its_slots(ends: Ends) -> None:
    """512 bytes are ten slots, each with its own header."""
    assert ends.producer.push_batch(1, [bytes(512)] * 9) == FEW // 10
    assert ends.producer.push_batch(1, [b"", b"", b""]) == FEW % 10
    assert [len(payload) for _, payload in ends.drain()] == [512, 512, 512, 0, 0]


@pytest.mark.parametrize("count", [0, 1, 2, 16, 64, 65, 200])
def test_a_batch_arrives_in_order_as_far_as_there_is_room(count: int) -> None:
    with rig.ends(128) as ends:
        payloads = [bytes([number]) * (number % 3) for number in range(count)]
        assert ends.producer.push_batch(3, payloads) == min(count, 128)
        assert ends.drain() == [(3, payload) for payload in payloads[:128]]


def test_nothing_of_a_batch_is_seen_before_all_of_it_is_there(ends: Ends) -> None:
    """The first slot is written last: without it nothing behind it counts."""
    ends.producer.push_batch(1, [b"a", b"b", b"c"])
    first = ends.header(0)
    ends.scribble(0, 0)
    assert ends.consumer.pop() is None
    ends.scribble(0, first)
    assert ends.drain() == [(1, b"a"), (1, b"b"), (1, b"c")]


def test_positions_may_grow_past_what_a_header_holds(ends: Ends) -> None:
    """A header has 32 bits of the position. Nobody pushes four thousand million messages here: a round is enough."""
    for number in range(10 * FEW):
        assert ends.producer.push(1, b"x")
        assert ends.header(number) >> 32 == number + 1
        assert ends.consumer.pop() == (1, b"x")


@pytest.mark.parametrize(
    ("type", "payload", "error"),
    [
        (256, b"", ValueError),
        (-1, b"", ValueError),
        ("1", b"", TypeError),
        (1, "text", TypeError),
        (1, bytearray(b"x"), TypeError),
        (1, bytes(513), ValueError),
    ],
)
def test_what_no_message_can_be_is_refused_and_nothing_is_sent(
    ends: Ends, type: int, payload: bytes, error: type[Exception]
) -> None:
    with pytest.raises(error):
        ends.producer.push(type, payload)
    with pytest.raises(error):
        ends.producer.push_batch(type, [b"first", payload])
    assert ends.drain() == []


def test_one_that_waits_is_woken_by_the_message_and_by_the_room(ends: Ends) -> None:
    got: list[tuple[int, bytes]] = []

    def consume() -> None:
        while len(got) < 2_000:
            got.extend(ends.consumer.pop_batch(7))
            assert len(got) == 2_000 or ends.consumer.wait(10.0)

    thread = threading.Thread(target=consume)
    thread.start()
    for number in range(2_000):
        while not ends.producer.push(1, number.to_bytes(2, "little")):
            assert ends.producer.wait(10.0)
    thread.join()
    assert [int.from_bytes(payload, "little") for _, payload in got] == [*range(2_000)]


def test_a_wait_ends_when_its_time_is_over(ends: Ends) -> None:
    assert ends.consumer.wait(0) is False
    assert ends.consumer.wait(0.001) is False
    assert ends.producer.wait(0) is True
    ends.producer.push(1, b"x")
    assert ends.consumer.wait(None) is True
    for wrong in (-1.0, float("nan"), 1e10):
        with pytest.raises(ValueError, match="cannot wait so long"):
            ends.consumer.wait(wrong)


def test_an_end_that_is_closed_or_alone_refuses_everything() -> None:
    slots = FEW
    front, back = (rig.memory(size) for size in ring.memories(slots))
    alone = ring.Producer(front, slots=slots)
    for use in (lambda: alone.push(1, b""), lambda: alone.push_batch(1, []), alone.depth, lambda: alone.wait(0)):
        with pytest.raises(ValueError, match="closed, or not attached"):
            use()
    os.posix_fallocate(back, 0, ring.memories(slots)[1])
    rig.seal(back)
    alone.attach(back)
    with pytest.raises(ValueError, match="done before"):
        alone.attach(back)
    alone.close()
    alone.close()
    with pytest.raises(ValueError, match="closed, or not attached"):
        alone.push(1, b"")


@pytest.mark.parametrize("slots", [0, 1, 16, 33, 1 << 21, -32])
def test_a_number_of_slots_that_no_ring_has_is_refused(slots: int) -> None:
    with pytest.raises(ValueError, match="power of two"):
        ring.Producer(0, slots=slots)
