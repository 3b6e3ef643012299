"""Classic BPF for seccomp: (call number → verdict or conditions on its arguments) → a program. Pure.

The program is a binary tree over the numbers: about log2 of the runs of equal verdicts, where a list costs their count.
"""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

ALLOW = 0x7FFF0000
KILL_PROCESS = 0x80000000

_LOAD, _AND, _JUMP, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x54, 0x05, 0x15, 0x35, 0x45, 0x06
_NR, _ARCH, _ARGS = 0, 4, 16
_FAR = 255
"""Conditional jumps have eight bits; further away a plain jump stands between."""

Instruction = tuple[int, int, int, int]
"""code, jump if true, jump if false, operand"""


def errno(number: int) -> int:
    return 0x00050000 | number


@dataclass(frozen=True, slots=True)
class Only:
    """The argument without the bits of `ignore` is one of `values`. `wide`: the kernel reads 64 bits of it."""

    argument: int
    values: tuple[int, ...]
    ignore: int = 0
    wide: bool = False


@dataclass(frozen=True, slots=True)
class Without:
    """None of `bits` is set in the argument; wide ones have no bit above 31 either."""

    argument: int
    bits: int
    wide: bool = False


Condition = Only | Without


@dataclass(frozen=True, slots=True)
class Checked:
    """Allowed when every condition of one of the alternatives holds, else `otherwise`."""

    alternatives: tuple[tuple[Condition, ...], ...]
    otherwise: int


Verdict = int | Checked


def program(verdicts: Mapping[int, Verdict], *, default: int, arch: int, foreign_bit: int = 0) -> list[Instruction]:
    """`foreign_bit` marks another ABI in the number (x32); it and every other architecture kill the process."""
    runs: list[tuple[int, Verdict]] = [(0, verdicts.get(0, default))]
    for number in range(1, max(verdicts) + 2):
        verdict = verdicts.get(number, default)
        if verdict != runs[-1][1]:
            runs.append((number, verdict))
    head = [(_LOAD, 0, 0, _ARCH), (_EQUAL, 1, 0, arch), (_RETURN, 0, 0, KILL_PROCESS), (_LOAD, 0, 0, _NR)]
    if foreign_bit:
        head += [(_ANY_BIT, 0, 1, foreign_bit), (_RETURN, 0, 0, KILL_PROCESS)]
    return head + _tree(runs)


def assemble(instructions: Sequence[Instruction]) -> bytes:
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in instructions)


def _tree(runs: Sequence[tuple[int, Verdict]]) -> list[Instruction]:
    if len(runs) == 1:
        return _leaf(runs[0][1])
    middle = len(runs) // 2
    low, high = _tree(runs[:middle]), _tree(runs[middle:])
    first = runs[middle][0]
    if len(low) <= _FAR:
        return [(_AT_LEAST, len(low), 0, first), *low, *high]
    return [(_AT_LEAST, 0, 1, first), (_JUMP, 0, 0, len(low)), *low, *high]


def _leaf(verdict: Verdict) -> list[Instruction]:
    if isinstance(verdict, int):
        return [(_RETURN, 0, 0, verdict)]
    leaf: list[Instruction] = []
    for conditions in verdict.alternatives:
        leaf += [*_all(conditions), (_RETURN, 0, 0, ALLOW)]
    return [*leaf, (_RETURN, 0, 0, verdict.otherwise)]


def _all(conditions: Sequence[Condition]) -> list[Instruction]:
    """Falls through when all hold; one instruction after the end begins what is tried next."""
    tests: list[Instruction] = []
    # From the last condition to the first, so that each knows how far away that is.
    for condition in reversed(conditions):
        tests = _test(condition, refusal=len(tests) + 1) + tests
    return tests


def _test(condition: Condition, *, refusal: int) -> list[Instruction]:
    """Falls through when the condition holds; `refusal` instructions after its end stands the refusal."""
    low = _ARGS + 8 * condition.argument
    upper: list[Instruction] = [(_LOAD, 0, 0, low + 4), (_EQUAL, 0, refusal, 0)] if condition.wide else []
    if isinstance(condition, Without):
        return [(_LOAD, 0, 0, low), (_ANY_BIT, refusal + len(upper), 0, condition.bits), *upper]
    mask: list[Instruction] = [(_AND, 0, 0, ~condition.ignore & 0xFFFFFFFF)] if condition.ignore else []
    count = len(condition.values)
    matches: list[Instruction] = [
        (_EQUAL, count - 1 - i, refusal + len(upper) if i == count - 1 else 0, value)
        for i, value in enumerate(condition.values)
    ]
    return [(_LOAD, 0, 0, low), *mask, *matches, *upper]
