"""What is written to a segment at once: a block of each series that has new values ↔ the bytes of a frame. Pure.

    4s   "EXR1"
    u32  how many bytes follow the checksum
    u32  crc of these
    u64  through: the number of the newest row of the journal that is in here
    u32  how many blocks
    each block: u16 length of the name, u32 values, i64 first and last millisecond, u32 place and length of the times,
         u32 place and length of the values (places count from the frame's beginning), the name
    chunks, as `columns` makes them

One checksum stands for all of it, so that a frame is there or is not: rows leave the journal when the frame that holds
them is on disk. Series that were written in the same rounds have the same times, which are stored once.
"""

import struct
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import columns

MAGIC = b"EXR1"
_HEAD = struct.Struct("<4sII")
_ABOUT = struct.Struct("<QI")
_BLOCK = struct.Struct("<HIqqIIII")


@dataclass(slots=True)
class Column:
    """What a series was given since the last frame; times in milliseconds, in the order in which they came."""

    times: list[int] = field(default_factory=list)
    values: list[float] = field(default_factory=list)


class Block(NamedTuple):
    """Where values of a series stand, from the beginning of the file; and the least and the greatest of their times."""

    segment: int
    count: int
    first: int
    last: int
    times_at: int
    times_length: int
    values_at: int
    values_length: int


class Frame(NamedTuple):
    at: int
    end: int
    through: int
    blocks: Sequence[tuple[str, Block]]


def encode(columns_by_name: Mapping[str, Column], *, through: int) -> bytes:
    names = [name for name, column in columns_by_name.items() if column.times]
    begin = _HEAD.size + _ABOUT.size + sum(_BLOCK.size + len(name.encode()) for name in names)
    directory, chunks, known = bytearray(), bytearray(), dict[bytes, int]()

    def placed(chunk: bytes) -> int:
        if chunk not in known:
            known[chunk] = begin + len(chunks)
            chunks.extend(chunk)
        return known[chunk]

    for name in names:
        column, spelled = columns_by_name[name], name.encode()
        times, values = columns.pack_times(column.times), columns.pack_values(column.values)
        places = placed(times), len(times), placed(values), len(values)
        span = min(column.times), max(column.times)
        directory += _BLOCK.pack(len(spelled), len(column.times), *span, *places) + spelled
    body = _ABOUT.pack(through, len(names)) + directory + chunks
    return _HEAD.pack(MAGIC, len(body), zlib.crc32(body)) + body


def scan(data: bytes, *, segment: int, base: int = 0) -> Iterator[Frame]:
    """The good frames of a file, or of its part from `base` on. A damaged one costs no other, a torn one ends it."""
    at = 0
    while len(data) - at >= _HEAD.size + _ABOUT.size:
        magic, length, crc = _HEAD.unpack_from(data, at)
        begin = at + _HEAD.size
        body = memoryview(data)[begin : begin + length]
        if magic != MAGIC or len(body) != length or length < _ABOUT.size:
            return
        if zlib.crc32(body) == crc:
            through, count = _ABOUT.unpack_from(body)
            yield Frame(base + at, base + begin + length, through, list(_blocks(body, count, base + at, segment)))
        at = begin + length


def _blocks(body: memoryview, count: int, at: int, segment: int) -> Iterable[tuple[str, Block]]:
    """A frame whose checksum is right was made by `encode`."""
    place = _ABOUT.size
    for _ in range(count):
        named, number, first, last, times_at, times_length, values_at, values_length = _BLOCK.unpack_from(body, place)
        place += _BLOCK.size
        name = bytes(body[place : place + named]).decode()
        place += named
        yield name, Block(segment, number, first, last, at + times_at, times_length, at + values_at, values_length)
