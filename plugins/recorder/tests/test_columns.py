"""The codec gives back what it was given, to the last bit, whatever that was; and knows what is not its own."""

import math
import struct
from collections.abc import Callable
from random import Random

import columns
import integers
import pytest

ODD = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    0.1,
    1 / 3,
    math.pi,
    math.inf,
    -math.inf,
    math.nan,
    5e-324,
    -2.5e-310,
    1.7976931348623157e308,
]
ODD += [
    2.0**53,
    2.0**53 - 1,
    -(2.0**53),
    2.0**53 + 2,
    2.0**63,
    1e22,
    123456789.123456789,
    0.000001,
    1e-9,
    1e-10,
    4.35,
    1.1,
]
NANS = [struct.unpack("<d", struct.pack("<Q", bits))[0] for bits in (0x7FF0000000000001, 0xFFF8000000000123, 2**64 - 1)]


def any_double(random: Random) -> float:
    return float(struct.unpack("<d", random.randbytes(8))[0])


KINDS: dict[str, Callable[[Random], float]] = {
    "any bits": any_double,
    "odd ones": lambda random: random.choice(ODD + NANS),
    "decimals": lambda random: round(random.uniform(-1000, 1000), random.randrange(10)),
    "counters": lambda random: float(random.randrange(1 << random.randrange(1, 60))),
    "one of two": lambda random: random.choice((20.0, 20.1)),
    "mostly the same": lambda random: 7.0 if random.random() < 0.95 else any_double(random),
}


def returned(values: list[float]) -> list[float]:
    numbers, scale = columns.unpack_values(columns.pack_values(values), len(values))
    return numbers if scale == 1.0 else [number / scale for number in numbers]


def bits(values: list[float]) -> bytes:
    return struct.pack(f"<{len(values)}d", *values)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(20))
def test_values_come_back_to_the_last_bit(kind: str, seed: int) -> None:
    random = Random(seed)
    values = [KINDS[kind](random) for _ in range(random.choice((1, 2, 3, 4, 50, 300)))]
    assert bits(returned(values)) == bits(values)


@pytest.mark.parametrize("value", ODD + NANS)
@pytest.mark.parametrize("beside", [[], [1.0, 2.0], [math.nan], [-0.0]])
def test_each_odd_value_comes_back_alone_and_beside_others(value: float, beside: list[float]) -> None:
    values = [*beside, value]
    assert bits(returned(values)) == bits(values)


STEPS: dict[str, Callable[[Random], int]] = {
    "regular": lambda random: 1000,
    "a little late": lambda random: 1000 + random.randrange(4),
    "backwards": lambda random: -random.randrange(1_000_000),
    "now and then": lambda random: random.choice((1000, 1000, 86_400_000)),
    "anything": lambda random: random.randrange(-(1 << 50), 1 << 50),
    "standing still": lambda random: 0,
}


@pytest.mark.parametrize("kind", STEPS)
@pytest.mark.parametrize("seed", range(10))
def test_times_come_back_also_when_the_clock_went_back(kind: str, seed: int) -> None:
    random = Random(seed)
    times = [1_700_000_000_000]
    for _ in range(random.choice((0, 1, 2, 7, 400))):
        times.append(times[-1] + STEPS[kind](random))
        times[-1] = max(0, min(times[-1], 1 << 52))
    assert columns.unpack_times(columns.pack_times(times), len(times)) == times


@pytest.mark.parametrize(
    "numbers", [[], [0], [1 << 60, -(1 << 60)] * 3, [127, -128], [128], [32767, -32768], [32768, -32769]]
)
def test_whole_numbers_come_back_at_the_edge_of_each_width(numbers: list[int]) -> None:
    assert list(integers.unpack(integers.pack(numbers), len(numbers))) == numbers


def test_what_is_measured_takes_few_bytes() -> None:
    random = Random(1)
    percents = [round(random.gauss(20.0, 5.0), 1) for _ in range(1000)]
    assert len(columns.pack_values(percents)) < 1.5 * len(percents)
    assert len(columns.pack_times([1000 * number for number in range(1000)])) < 40


def test_a_chunk_that_was_changed_anywhere_is_damaged() -> None:
    values = [1.5, 2.5, 1 / 3, math.nan] * 5
    chunk = columns.pack_values(values)
    for at in range(len(chunk)):
        changed = bytearray(chunk)
        changed[at] ^= 0x10
        with pytest.raises(columns.DamagedError):
            columns.unpack_values(bytes(changed), len(values))


@pytest.mark.parametrize("kept", range(12))
def test_a_chunk_that_is_too_short_is_damaged(kept: int) -> None:
    with pytest.raises(columns.DamagedError):
        columns.unpack_values(columns.pack_values([1 / 3, 2 / 3])[:kept], 2)


@pytest.mark.parametrize("seed", range(50))
def test_bytes_that_nobody_packed_are_damaged_even_if_their_checksum_is_right(seed: int) -> None:
    random = Random(seed)
    chunk = columns._sealed(bytes([random.choice((0, 1, 9, 10, 200, 255))]) + random.randbytes(random.randrange(1, 30)))
    with pytest.raises(columns.DamagedError):
        columns.unpack_values(chunk, 1000)


def test_another_number_of_values_than_was_packed_is_damaged() -> None:
    for values in ([1.0, 2.0, 3.0], [1 / 3, 2 / 3, math.pi]):
        for count in (0, 1, 2, 4, 9):
            with pytest.raises(columns.DamagedError):
                columns.unpack_values(columns.pack_values(values), count)
