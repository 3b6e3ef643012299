"""The other end writes and hands over what it likes: nobody crashes, and nobody takes it for a message."""

import os
import struct
import tempfile
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from exosdk import ring
from tests.exosdk.ring import rig
from tests.exosdk.ring.rig import FEW, Ends

GOES_ON = 0x80


@pytest.fixture
def ends() -> Iterator[Ends]:
    with rig.ends() as ends:
        yield ends


def header(position: int, *, size: int = 0, type: int = 0, flags: int = 0) -> int:
    return ((position + 1) & 0xFFFFFFFF) << 32 | size << 16 | type << 8 | flags


@pytest.mark.parametrize(
    "found",
    [
        header(1),
        header(FEW),
        header(0xFFFFFFFE),
        header(0, size=513),
        header(0, size=0xFFFF),
        header(0, flags=GOES_ON),
        header(0, size=57),
        1,
    ],
    ids=["ahead", "a round ahead", "behind", "too large", "largest", "a middle", "no second slot", "no sequence"],
)
def test_a_slot_that_no_ring_writes_breaks_it_for_good(ends: Ends, found: int) -> None:
    ends.scribble(0, found)
    for _ in range(2):
        with pytest.raises(ring.BrokenError):
            ends.consumer.pop()
        ends.scribble(0, header(0, size=3))
    with pytest.raises(ring.BrokenError):
        ends.consumer.pop_batch(9)


@pytest.mark.parametrize("change", [1 << 32, 1 << 16, 1 << 8, GOES_ON], ids=["sequence", "size", "type", "flag"])
def test_a_message_whose_slots_do_not_belong_together_is_none(ends: Ends, change: int) -> None:
    ends.producer.push(1, bytes(200))
    ends.scribble(2, ends.header(2) ^ change)
    with pytest.raises(ring.BrokenError):
        ends.consumer.pop()


def test_what_came_before_a_broken_slot_is_handed_over(ends: Ends) -> None:
    ends.producer.push_batch(1, [b"a", b"b"])
    ends.scribble(2, header(7))
    assert ends.consumer.pop_batch(9) == [(1, b"a"), (1, b"b")]
    with pytest.raises(ring.BrokenError):
        ends.consumer.pop_batch(9)


def read_to(ends: Ends, head: int) -> None:
    """The other end says so, after 40 slots were written and ten of them read."""
    ends.producer.push_batch(1, [b"x"] * FEW)
    ends.consumer.pop_batch(10)
    ends.consumer.wait(0)
    ends.producer.push_batch(1, [b"x"] * 8)
    ends.back[rig.HEAD : 8] = struct.pack("<Q", head)


@pytest.mark.parametrize("head", [10, 11, 39, 40])
def test_what_the_other_end_may_have_read_is_room(ends: Ends, head: int) -> None:
    read_to(ends, head)
    assert ends.producer.depth() == 40 - head


@pytest.mark.parametrize("head", [0, 9, 41, 1 << 32, 1 << 63, (1 << 64) - 1])
def test_a_head_that_goes_back_or_past_what_was_written_breaks_it(ends: Ends, head: int) -> None:
    read_to(ends, head)
    for use in (ends.producer.depth, lambda: ends.producer.push_batch(1, [b"x"] * FEW)):
        with pytest.raises(ring.BrokenError):
            use()
    with pytest.raises(ring.BrokenError):
        ends.producer.push(1, b"x")


def test_a_reader_that_claims_to_have_read_loses_only_what_was_for_it(ends: Ends) -> None:
    """It is told of a slot that is written anew; nobody else's memory is touched."""
    ends.producer.push_batch(1, [b"old"] * FEW)
    ends.back[rig.HEAD : 8] = struct.pack("<Q", FEW)
    assert ends.producer.push_batch(1, [b"new"] * FEW) == FEW
    with pytest.raises(ring.BrokenError):
        ends.consumer.pop()


def test_a_peer_that_says_it_sleeps_or_rings_for_ever_delays_nobody_for_long(ends: Ends) -> None:
    for memory in (ends.front, ends.back):
        memory[rig.ASLEEP : rig.CPU + 4] = struct.pack("<II", 1, 0xFFFFFFFF)
    for _ in range(100):
        ends.front[rig.RUNG : rig.RUNG + 4] = os.urandom(4)
        assert ends.consumer.wait(0.0001) is False
        assert ends.producer.push(1, b"x")
        assert ends.consumer.pop() == (1, b"x")


def test_a_wake_up_that_never_comes_costs_a_nap(ends: Ends) -> None:
    """The message is there and nobody rings: the waiter looks again by itself."""
    ends.scribble(0, 0)
    assert ends.consumer.wait(0.001) is False
    ends.scribble(0, header(0, size=1))
    assert ends.consumer.wait(10.0) is True


FIELDS = {"tail": (0, 8), "rung": (64, 4), "asleep": (68, 4), "cpu": (72, 4), "header": (-1, 8), "payload": (-2, 56)}


@pytest.mark.parametrize("field", FIELDS)
def test_a_scribbling_producer_is_never_believed_beyond_its_ring(field: str) -> None:
    """Each write is followed by a look: what is handed over is a message of a size that messages have, or it breaks."""
    random, looks = Random(field), 0
    while looks < 1_000:
        with rig.ends() as ends:
            for _ in range(50):
                looks += 1
                ends.producer.push(1, random.randbytes(random.choice((5, 100))))
                at, size = FIELDS[field]
                if at < 0:
                    at = ends.slot(random.randrange(FEW)) + (0 if at == -1 else 8)
                ends.front[at : at + size] = random.choice((random.randbytes(size), bytes(size), b"\xff" * size))
                try:
                    assert all(len(payload) <= 512 for _, payload in ends.consumer.pop_batch(4))
                    ends.consumer.wait(0)
                except ring.BrokenError:
                    break


def test_a_memory_without_its_seals_or_of_another_size_is_refused() -> None:
    front, back = (rig.memory(size) for size in ring.memories(FEW))
    consumer = ring.Consumer(back, slots=FEW)
    for seals in (0, 0x2, 0x2 | 0x4, 0x1 | 0x2 | 0x4):
        fresh = rig.memory(ring.memories(FEW)[0])
        rig.seal(fresh, seals)
        with pytest.raises(ValueError, match="not sealed"):
            consumer.attach(fresh)
        os.close(fresh)
    for size in (0, ring.PAGE, ring.memories(FEW)[0] - 1, ring.memories(FEW)[0] + ring.PAGE):
        other = rig.memory(size)
        rig.seal(other)
        with pytest.raises(ValueError, match="another size"):
            consumer.attach(other)
        os.close(other)
    os.close(front)
    os.close(back)


def test_what_is_no_memory_is_refused(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    with tempfile.TemporaryFile(dir=tmp_path) as file:
        file.truncate(ring.PAGE)
        consumer = ring.Consumer(file.fileno(), slots=FEW)
        with pytest.raises(ValueError, match="another size"):
            consumer.attach(reader)
        file.truncate(ring.memories(FEW)[0])
        with pytest.raises(ValueError, match="not sealed"):
            consumer.attach(file.fileno())
    for fd in (reader, writer):
        os.close(fd)
    with pytest.raises(OSError):  # noqa: PT011 - whatever the kernel calls a number that is no descriptor
        consumer.attach(writer)
