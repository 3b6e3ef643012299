"""A consumer that waits for other things as well is told of a message once, and no lie makes its producer wait."""

import os
import select
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from exosdk import ring
from tests.exosdk.ring import rig
from tests.exosdk.ring.rig import ASLEEP, Ends


@dataclass
class Door:
    """The producer has `bell`, the consumer `house`, and neither has both."""

    ends: Ends
    bell: int
    house: select.epoll

    def rung(self) -> bool:
        return bool(self.house.poll(0))


@pytest.fixture
def door() -> Iterator[Door]:
    with rig.ends(arena=4096) as ends, select.epoll() as house:
        bell = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        house.register(bell, select.EPOLLIN | select.EPOLLET)
        ends.producer.ring_on(bell)
        yield Door(ends, bell, house)
        os.close(bell)


def test_nobody_rings_for_a_consumer_that_is_awake(door: Door) -> None:
    door.ends.producer.push(3, b"a")
    assert not door.rung()


def test_one_that_listens_is_told_once_of_however_many_messages(door: Door) -> None:
    assert door.ends.consumer.listen()
    door.ends.producer.push(3, b"a")
    assert door.rung()
    door.ends.producer.push(3, b"b")
    door.ends.producer.push_batch(3, [b"c", b"d"])
    assert not door.rung()


def test_it_is_told_again_each_time_it_listens(door: Door) -> None:
    for _ in range(5):
        assert door.ends.consumer.listen()
        assert door.ends.producer.push(3, b"a")
        assert door.rung()
        assert len(door.ends.drain()) == 1


@pytest.mark.parametrize("way", ["batch", "loan"])
def test_batches_and_loans_ring_as_well(door: Door, way: str) -> None:
    assert door.ends.consumer.listen()
    if way == "batch":
        door.ends.producer.push_batch(3, [b"a", b"b"])
    else:
        loan = door.ends.producer.loan(8)
        assert loan is not None
        door.ends.producer.push_loan(3, loan)
    assert door.rung()


def test_one_that_would_listen_with_a_message_there_is_told_so_at_once(door: Door) -> None:
    door.ends.producer.push(3, b"a")
    assert not door.ends.consumer.listen()
    door.ends.producer.push(3, b"b")
    assert not door.rung(), "it said that it is awake"


def test_awake_takes_it_back(door: Door) -> None:
    assert door.ends.consumer.listen()
    door.ends.consumer.awake()
    door.ends.producer.push(3, b"a")
    assert not door.rung()


def test_what_was_sent_before_the_bell_was_hung_up_rings_when_it_is(door: Door) -> None:
    door.ends.producer.ring_on(-1)
    assert door.ends.consumer.listen()
    door.ends.producer.push(3, b"a")
    assert not door.rung()
    door.ends.producer.ring_on(door.bell)
    assert door.rung()


def test_sleeping_on_the_ring_itself_needs_no_bell(door: Door) -> None:
    assert not door.ends.consumer.wait(0)
    door.ends.producer.push(3, b"a")
    assert not door.rung()


def test_a_consumer_that_lies_about_listening_costs_its_producer_a_write_each(door: Door) -> None:
    """None of them blocks: the counter is the producer's alone, whatever the other holds."""
    for lie in range(1, 2_000):
        door.ends.back[ASLEEP : ASLEEP + 4] = ((lie * 4 | 2) & 0xFFFFFFFF).to_bytes(4, "little")
        door.ends.producer.push(3, b"a")
        door.ends.consumer.pop()
    assert int.from_bytes(os.read(door.bell, 8), "little") <= 2_000


@pytest.mark.parametrize("fd", [-2, 1 << 40])
def test_what_is_no_descriptor_is_refused(door: Door, fd: int) -> None:
    with pytest.raises(ValueError, match="cannot ring: a doorbell is a descriptor"):
        door.ends.producer.ring_on(fd)


def test_a_bell_that_is_gone_is_rung_in_vain(door: Door) -> None:
    gone = os.eventfd(0)
    os.close(gone)
    door.ends.producer.ring_on(gone)
    assert door.ends.consumer.listen()
    assert door.ends.producer.push(3, b"a")


def test_before_it_is_attached_it_can_be_hung_up_and_not_listened_for() -> None:
    sizes = ring.memories(32)
    fds = [rig.memory(size) for size in sizes]
    producer, consumer = ring.Producer(fds[0], slots=32), ring.Consumer(fds[1], slots=32)
    producer.ring_on(-1)
    with pytest.raises(ValueError, match="not attached"):
        consumer.listen()
    for fd in fds:
        os.close(fd)
