"""Rows that came, one a message ↔ the bytes of the journal, in the order in which they came. Pure.

    u32 length, u32 crc of what follows
    u64 number of the row, i64 its time in milliseconds, u16 how many names are new, u16 how many values
    each new name: u16 length, the name; it gets the next number of this journal
    each value: u16 number of its name, f64

A journal is emptied when its rows are in a frame, and its names with it. What follows a row that is torn or damaged is
not read: a row is as good as those before it.
"""

import struct
import zlib
from collections.abc import Iterator, Mapping
from typing import NamedTuple

_HEAD = struct.Struct("<II")
_ABOUT = struct.Struct("<QqHH")
_NAME = struct.Struct("<H")
_VALUE = struct.Struct("<Hd")


class Row(NamedTuple):
    """`end` is where it ends in the journal."""

    number: int
    time: int
    values: Mapping[str, float]
    end: int


class Writer:
    """Knows the names that this journal has had."""

    def __init__(self) -> None:
        self._known: dict[str, int] = {}

    def know(self, names: Mapping[str, float]) -> None:
        for name in names:
            self._known.setdefault(name, len(self._known))

    def forget(self) -> None:
        self._known.clear()

    def encode(self, number: int, time: int, values: Mapping[str, float]) -> bytes:
        fresh = [name.encode() for name in values if name not in self._known]
        self.know(values)
        body = bytearray(_ABOUT.pack(number, time, len(fresh), len(values)))
        for name in fresh:
            body += _NAME.pack(len(name)) + name
        for name, value in values.items():
            body += _VALUE.pack(self._known[name], value)
        return _HEAD.pack(len(body), zlib.crc32(body)) + body


def scan(data: bytes) -> Iterator[Row]:
    """Every whole row from the beginning."""
    names: list[str] = []
    at = 0
    while len(data) - at >= _HEAD.size:
        length, crc = _HEAD.unpack_from(data, at)
        at += _HEAD.size
        body = data[at : at + length]
        if len(body) != length or length < _ABOUT.size or zlib.crc32(body) != crc:
            return
        at += length
        yield _row(body, names, at)


def _row(body: bytes, names: list[str], end: int) -> Row:
    number, time, fresh, count = _ABOUT.unpack_from(body)
    at = _ABOUT.size
    for _ in range(fresh):
        (length,) = _NAME.unpack_from(body, at)
        at += _NAME.size
        names.append(body[at : at + length].decode())
        at += length
    pairs = (_VALUE.unpack_from(body, at + place * _VALUE.size) for place in range(count))
    return Row(number, time, {names[name]: value for name, value in pairs}, end)
