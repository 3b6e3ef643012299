"""One file of the audit log, open for appending: records → lines behind the chain's seal, durable after `sync`.

A line that a crash cut short is taken off when the log is opened again. Whatever else does not end where the key says
is left as evidence, and the log goes on in a new file, with a number that leaves the gap to be seen.
"""

import os
import re
from collections.abc import Sequence
from dataclasses import replace

from exod.state import chain, sealing
from exod.state.chain import Head, Record, Seal
from exod.state.directory import Descriptor, Directory, write_all

_NAME = re.compile(r"audit-\d{12}\.jsonl")
_UNCLEAN = "the last stop was not a clean one"
_DAMAGED = "the last record is damaged"
_KEY_LOST = "the key that sealed the records before was missing or damaged"
_LEAP = 1 << 16
"""So many steps the key goes over what was lost; farther than any one file reaches."""


class Segment(Descriptor):
    """`size` and `seal` are those of the last append that succeeded; `durable` those of the last sync."""

    def __init__(self, fd: int, *, size: int, seal: Seal) -> None:
        super().__init__(fd)
        self.size, self.seal = self.durable = size, seal
        # After a failed write the file may hold a part of it, which the next one takes off first.
        self._torn = False

    @classmethod
    def open(cls, directory: Directory, name: str, *, seal: Seal, make: int = 0) -> "Segment":
        """An existing file, or with O_CREAT a new one; raises Refused when others may write it."""
        fd = directory.open_file(name, os.O_RDWR | os.O_APPEND | make)
        return cls(fd, size=os.fstat(fd).st_size, seal=seal)

    @classmethod
    def begin(cls, directory: Directory, *, after: Seal) -> "Segment":
        """A new, empty file, named by the record it will begin with."""
        return cls.open(directory, f"audit-{after.head.seq + 1:012d}.jsonl", seal=after, make=os.O_CREAT)

    def append(self, records: Sequence[Record]) -> None:
        """Write all of `records`, or raise OSError."""
        seal, lines = self.seal, []
        for record in records:
            data, seal = chain.line(record, after=seal)
            lines.append(data)
        if self._torn:
            os.ftruncate(self.fd, self.size)
        self._torn = True
        write_all(self.fd, block := b"".join(lines))
        self._torn = False
        self.size, self.seal = self.size + len(block), seal

    def sync(self) -> None:
        """Make durable what was appended, or go back to what was durable before and raise OSError."""
        try:
            os.fdatasync(self.fd)
        except OSError:  # which of it reached the disk nobody knows
            self._torn, (self.size, self.seal) = True, self.durable
            raise
        self.durable = self.size, self.seal

    def lines(self, *, since: str = "") -> list[bytes]:
        """From the record with the hash `since` on, if it is here, else all; last what is behind the last."""
        data = os.pread(self.fd, self.size, 0)
        # No field of a record can spell this: its quotes would be escaped.
        at = data.rfind(f'"hash":"{since}"'.encode())
        return data[data.rfind(b"\n", 0, max(at, 0)) + 1 :].split(b"\n")

    def follow(self) -> tuple[str | None, int]:
        """Go on behind what was written after `seal`: the last event, or None if the file does not end with it; and how
        many bytes of an incomplete line were taken off. A longer one was never this log's, and is left as it is.
        """
        event, (*lines, rest) = "", self.lines(since=self.seal.head.hash)
        if 0 < len(rest) <= chain.LINE_MAX:
            self.size -= len(rest)
            os.ftruncate(self.fd, self.size)
        for line in [*lines, rest] if len(rest) > chain.LINE_MAX else lines:
            seal = chain.follow(line, after=self.seal)
            if seal is None and f'"hash":"{self.seal.head.hash}"'.encode() not in line:
                return None, 0
            self.seal, event = seal or self.seal, chain.row(line).get("event", "")
        return event, len(rest)


def resume(directory: Directory, *, remembered: Head) -> tuple[Segment, Descriptor, str]:
    """The file for the next record, the open key, and a remark about what was found; "" when all was in order.

    remembered: the record that the registry knows to have been the last, some time ago.
    """
    segment, remark = _resume(directory, remembered)
    segment.sync()  # what a killed exod wrote may not be on the disk yet, and the key must not be ahead of it
    keys = Descriptor(directory.open_file(sealing.SEALING, os.O_WRONLY))
    os.pwrite(keys.fd, sealing.encode(segment.seal), 0)
    return segment, keys, remark


def segments(directory: Directory) -> list[str]:
    """The names of the log's files, oldest first."""
    return [name for name in directory.names() if _NAME.fullmatch(name)]


def _resume(directory: Directory, remembered: Head) -> tuple[Segment, str]:
    names, seal = segments(directory), sealing.decode(directory.read(sealing.SEALING, limit=chain.LINE_MAX))
    if seal is None and not names and not remembered.seq:
        return Segment.begin(directory, after=sealing.begin(directory, head=Head())), ""
    if seal is not None and names:
        newest = Segment.open(directory, names[-1], seal=seal)
        event, cut = newest.follow()
        seal = newest.seal
        begun = newest.size or number(names[-1]) == seal.head.seq + 1
        if event is not None and begun and remembered.seq <= seal.head.seq:
            remark = "" if event == chain.CLOSED else _UNCLEAN
            return newest, f"the last line was cut off: {cut} bytes" if cut else remark
        newest.close()
    found = _claimed(directory, names)
    last = max(found, remembered, seal.head if seal else Head(), key=lambda head: head.seq)
    if seal is None or last.seq - seal.head.seq > _LEAP:
        return Segment.begin(directory, after=sealing.begin(directory, head=last)), _KEY_LOST
    # Behind every number that was ever given out, as far as anything here remembers: what is lost leaves a gap.
    while seal.head.seq < last.seq:
        seal = seal.after(replace(last, seq=seal.head.seq + 1))
    remark = f"the log was cut: it reached record {last.seq}" if found.seq < last.seq else _DAMAGED
    return Segment.begin(directory, after=seal), remark if last.seq else _UNCLEAN


def _claimed(directory: Directory, names: Sequence[str]) -> Head:
    """The last record of the newest file, as far as that can be said of one that does not hold."""
    if not names:
        return Head()
    with Segment.open(directory, names[-1], seal=Seal(Head(), b"", "")) as newest:
        lines = list(filter(None, newest.lines()))
    head = Head(number(names[-1]) + len(lines) - 1)
    last = chain.row(lines[-1]) if lines else {}
    return replace(head, hash=str(last.get("hash"))) if last.get("seq") == head.seq else head


def number(name: str) -> int:
    return int(name[6:18])
