"""The assembler of filters: trees that are too large for a short jump, and conditions one by one."""

import struct

import pytest

from exod.sandbox.bpf import ALLOW, Checked, Only, Verdict, Without, assemble, errno, program
from tests.exod.sandbox.classic_bpf import Program

ARCH = 0xC000003E
NO = errno(1)


def verdict(verdicts: dict[int, Verdict], number: int, *arguments: int) -> int:
    made = assemble(program(verdicts, default=errno(38), arch=ARCH))
    return Program(made).run(number, arguments, arch=ARCH)


def test_a_tree_with_a_leaf_for_each_number_finds_every_leaf() -> None:
    verdicts: dict[int, Verdict] = {number: errno(number % 200 + 1) for number in range(3000)}
    made = Program(assemble(program(verdicts, default=errno(38), arch=ARCH)))
    assert all(made.run(number, arch=ARCH) == verdicts[number] for number in range(3000))
    assert made.run(3000, arch=ARCH) == errno(38)


def test_gaps_get_the_default() -> None:
    assert [verdict({2: ALLOW, 5: ALLOW}, number) == ALLOW for number in range(7)] == [n in (2, 5) for n in range(7)]


@pytest.mark.parametrize(
    ("condition", "good", "bad"),
    [
        (Only(0, (5,)), (5,), (6,)),
        (Only(1, (1, 2, 3)), (0, 3), (3, 4)),
        (Only(0, (1,), ignore=0x80), (0x81,), (0x82,)),
        (Only(0, (1,)), (1 << 32 | 1,), (2,)),
        (Only(0, (1,), wide=True), (1,), (1 << 32 | 1,)),
        (Without(0, 6), (9,), (2,)),
        (Without(0, 6), (1 << 33,), (4,)),
        (Without(0, 6, wide=True), (1,), (1 << 33,)),
    ],
)
def test_a_condition_allows_and_refuses(condition: Only | Without, good: tuple[int, ...], bad: tuple[int, ...]) -> None:
    verdicts: dict[int, Verdict] = {0: Checked(((condition,),), NO)}
    assert verdict(verdicts, 0, *good) == ALLOW
    assert verdict(verdicts, 0, *bad) == NO


def test_every_condition_of_one_alternative_has_to_hold() -> None:
    first, second = (Only(0, (1, 2)), Only(2, (9,))), (Only(0, (3,)), Without(1, 1, wide=True))
    verdicts: dict[int, Verdict] = {0: Checked((first, second), NO)}
    assert {verdict(verdicts, 0, *good) for good in ((1, 1, 9), (2, 0, 9), (3, 0, 0), (3, 6, 1))} == {ALLOW}
    assert {verdict(verdicts, 0, *bad) for bad in ((1, 0, 8), (3, 1, 9), (3, 1 << 40, 9), (4, 0, 9))} == {NO}


def test_without_an_alternative_nothing_is_allowed() -> None:
    assert verdict({0: Checked((), NO)}, 0) == NO
    assert verdict({0: Checked(((),), NO)}, 0) == ALLOW


def test_an_instruction_is_the_kernels_eight_bytes() -> None:
    assert assemble([(0x06, 1, 2, ALLOW)]) == struct.pack("=HBBI", 6, 1, 2, ALLOW)
