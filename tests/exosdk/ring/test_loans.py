"""Payloads that are lent: written in place, read in place, given back; and what both sides do to each other's books."""

import struct
from collections.abc import Iterator
from random import Random

import pytest

from exosdk import ring
from tests.exosdk.ring import rig
from tests.exosdk.ring.rig import FEW, Ends

ARENA = 64 << 10
LOAN = 0x40


@pytest.fixture
def ends() -> Iterator[Ends]:
    with rig.ends(arena=ARENA) as ends:
        yield ends


def lend(ends: Ends, payload: bytes) -> ring.Loan:
    loan = ends.producer.loan(len(payload))
    assert loan is not None
    with memoryview(loan) as view:
        view[:] = payload
    return loan


def borrow(ends: Ends) -> ring.Borrowed:
    found = ends.consumer.pop()
    assert found is not None
    assert isinstance(found[1], ring.Borrowed)
    return found[1]


def forge(ends: Ends, chunk: int, size: int) -> None:
    """As a hostile producer would."""
    ends.producer.push(1, struct.pack("<II", chunk, size))
    ends.scribble(0, ends.header(0) | LOAN)


@pytest.mark.parametrize("size", [1, 512, 513, 1024, 1025, 4096, 4097, 30_000, ARENA])
def test_a_loan_arrives_where_it_was_written(ends: Ends, size: int) -> None:
    payload = Random(size).randbytes(size)
    assert ends.producer.push_loan(9, lend(ends, payload))
    assert ends.producer.push(1, b"behind it")
    kind, borrowed = ends.consumer.pop() or (0, b"")
    assert (kind, len(borrowed), bytes(borrowed)) == (9, size, payload)
    assert ends.consumer.pop() == (1, b"behind it")


def test_what_is_borrowed_is_not_written(ends: Ends) -> None:
    ends.producer.push_loan(1, lend(ends, b"x"))
    with memoryview(borrow(ends)) as view:
        assert view.readonly


def test_an_arena_that_is_lent_has_nothing_left_until_something_comes_back(ends: Ends) -> None:
    borrowed = []
    for _ in range(ARENA // 8192):
        ends.producer.push_loan(1, lend(ends, bytes(8192)))
        borrowed.append(borrow(ends))
    assert ends.producer.loan(1) is None
    borrowed.pop().release()
    assert ends.producer.loan(8192) is not None


def test_what_nobody_holds_any_more_has_come_back(ends: Ends) -> None:
    """Forgotten unsent, or read and forgotten."""
    for number in range(300):
        loan = lend(ends, bytes([number % 256]) * ARENA)
        if number % 3 == 0:
            loan.release()
            loan.release()
        elif number % 3 == 1:
            assert ends.producer.push_loan(1, loan)
            assert bytes(borrow(ends)) == bytes([number % 256]) * ARENA
        del loan


def test_sizes_come_and_go_without_wearing_the_arena_out(ends: Ends) -> None:
    random, held = Random(5), []
    for _ in range(3_000):
        loan = ends.producer.loan(random.choice((1, 1500, 3000, 9000, 20_000)))
        if loan is None:
            held.pop(random.randrange(len(held))).release()
        else:
            held.append(loan)
    held.clear()
    del loan
    assert ends.producer.loan(ARENA) is not None


def test_a_loan_is_sent_once_and_only_by_its_ring(ends: Ends) -> None:
    loan = lend(ends, b"x")
    with rig.ends(arena=ARENA) as others, pytest.raises(ValueError, match="another ring's"):
        others.producer.push_loan(1, loan)
    with memoryview(loan), pytest.raises(ValueError, match="looks at it"):
        ends.producer.push_loan(1, loan)
    assert ends.producer.push_loan(1, loan)
    with pytest.raises(ValueError, match="was sent"):
        ends.producer.push_loan(1, loan)
    with pytest.raises(BufferError, match="was sent or given back"):
        memoryview(loan)


def test_a_full_ring_leaves_the_loan_with_its_owner(ends: Ends) -> None:
    ends.producer.push_batch(1, [b""] * FEW)
    loan = lend(ends, b"later")
    assert not ends.producer.push_loan(1, loan)
    ends.drain()
    assert ends.producer.push_loan(1, loan)
    assert bytes(borrow(ends)) == b"later"


def test_nothing_is_unmapped_or_given_back_under_somebody_who_looks(ends: Ends) -> None:
    ends.producer.push_loan(1, lend(ends, b"x"))
    borrowed = borrow(ends)
    with memoryview(borrowed):
        with pytest.raises(BufferError, match="still looks"):
            borrowed.release()
        with pytest.raises(RuntimeError, match="looks at a loan"):
            ends.consumer.close()
    ends.consumer.close()
    with pytest.raises(BufferError, match="closed"):
        memoryview(borrowed)
    borrowed.release()


@pytest.mark.parametrize("size", [0, -1, ARENA + 1, 1 << 40])
def test_a_size_that_no_loan_has_is_refused(ends: Ends, size: int) -> None:
    with pytest.raises(ValueError, match="from 1 byte to the whole arena"):
        ends.producer.loan(size)


@pytest.mark.parametrize("arena", [-4096, 1024, 4097, 12288, 512 << 20])
def test_an_arena_that_no_ring_has_is_refused(arena: int) -> None:
    with pytest.raises(ValueError, match="an arena is a power of two"):
        ring.Consumer(0, slots=FEW, arena=arena)


def test_a_ring_without_an_arena_lends_nothing() -> None:
    with rig.ends() as ends:
        with pytest.raises(ValueError, match="from 1 byte to the whole arena"):
            ends.producer.loan(1)
        forge(ends, 0, 1)
        with pytest.raises(ring.BrokenError):
            ends.consumer.pop()


UNITS = ARENA // ring.UNIT


@pytest.mark.parametrize(
    ("chunk", "size"),
    [(0, 0), (0, ARENA + 1), (UNITS, 1), (UNITS - 1, ring.UNIT + 1), (0xFFFFFFFF, 1), (1, 0xFFFFFFFF)],
)
def test_a_loan_that_lies_outside_the_arena_breaks_the_ring(ends: Ends, chunk: int, size: int) -> None:
    forge(ends, chunk, size)
    with pytest.raises(ring.BrokenError):
        ends.consumer.pop()


def test_a_loan_that_is_no_description_of_one_breaks_the_ring(ends: Ends) -> None:
    ends.producer.push(1, b"seven b")
    ends.scribble(0, ends.header(0) | LOAN)
    with pytest.raises(ring.BrokenError):
        ends.consumer.pop()


def give_back(ends: Ends, place: int, *, chunk: int, sequence: int | None = None) -> None:
    """As a hostile consumer would."""
    word = (place + 1 if sequence is None else sequence) << 32 | chunk
    ends.back[ring.PAGE + 8 * place : ring.PAGE + 8 * place + 8] = word.to_bytes(8, "little")


@pytest.mark.parametrize(
    ("chunk", "sequence"),
    [(0, None), (3, None), (UNITS, None), (0xFFFFFFFF, None), (1, 7), (1, 0)],
    ids=["held by its owner", "free", "beyond the arena", "far beyond", "another's turn", "no turn"],
)
def test_what_comes_back_without_having_been_lent_breaks_the_ring(ends: Ends, chunk: int, sequence: int | None) -> None:
    kept = ends.producer.loan(1)
    give_back(ends, 0, chunk=chunk, sequence=sequence)
    for _ in range(2):
        with pytest.raises(ring.BrokenError):
            ends.producer.loan(1)
    del kept


def test_what_came_back_twice_breaks_the_ring(ends: Ends) -> None:
    ends.producer.push_loan(1, lend(ends, b"x"))
    give_back(ends, 0, chunk=0)
    give_back(ends, 1, chunk=0)
    with pytest.raises(ring.BrokenError):
        ends.producer.loan(1)


def test_a_consumer_that_returns_too_early_reads_what_is_written_anew(ends: Ends) -> None:
    """It is its own payload that changes; nobody else's memory is touched."""
    ends.producer.push_loan(1, lend(ends, b"old"))
    borrowed = borrow(ends)
    give_back(ends, 0, chunk=0)
    with memoryview(borrowed) as view:
        lend(ends, b"new")
        assert bytes(view) == b"new"
