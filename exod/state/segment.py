"""One file of the audit log, open for appending: records → durable lines behind the chain's head.

A line that a crash cut short is taken off when the log is opened again; a last line that does not hold is left as
evidence, and the log goes on in a new file.
"""

import os
from collections.abc import Mapping, Sequence

from exod.state import chain
from exod.state.chain import Head, Record
from exod.state.directory import Descriptor, Directory, judge, write_all

_PREFIX = "audit-"
_SUFFIX = ".jsonl"
_UNCLEAN = "the last stop was not a clean one"
_DAMAGED = "the last record is damaged"
_FLAGS = os.O_RDWR | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class Segment(Descriptor):
    """`size` and `head` are those of the last append that succeeded."""

    def __init__(self, fd: int, *, size: int, head: Head) -> None:
        super().__init__(fd)
        self.size = size
        self.head = head
        # After a failed write the file may hold a part of it, which the next one takes off first.
        self._torn = False

    @classmethod
    def begin(cls, directory: Directory, *, after: Head) -> "Segment":
        """A new, empty file, named by the record it will begin with."""
        directory.judge()
        name = f"{_PREFIX}{after.seq + 1:012d}{_SUFFIX}"
        fd = os.open(name, _FLAGS | os.O_CREAT, 0o600, dir_fd=directory.fd)
        segment = cls(fd, size=os.fstat(fd).st_size, head=after)
        directory.sync()
        return segment

    @classmethod
    def open(cls, directory: Directory, name: str) -> "Segment":
        """An existing file; its head is not known until `resume` has read it."""
        fd = os.open(name, _FLAGS, dir_fd=directory.fd)
        status = os.fstat(fd)
        try:
            judge(status, f"{directory.path}/{name}")
        except BaseException:
            os.close(fd)
            raise
        return cls(fd, size=status.st_size, head=Head())

    def append(self, records: Sequence[Record]) -> None:
        """Write and sync all of `records`, or leave the file as it was and raise OSError."""
        head, lines = self.head, []
        for record in records:
            data, head = chain.line(record, after=head)
            lines.append(data)
        self._write(b"".join(lines))
        self.head = head

    def _write(self, block: bytes) -> None:
        if self._torn:
            os.ftruncate(self.fd, self.size)
        self._torn = True
        write_all(self.fd, block)
        os.fdatasync(self.fd)
        self._torn = False
        self.size += len(block)

    def start(self) -> Head:
        """What the first record was written after."""
        row = chain.parse(os.pread(self.fd, chain.LINE_MAX, 0).partition(b"\n")[0])
        return Head(chain.head_of(row).seq - 1, str(row["prev"])) if row else Head()

    def last_line(self) -> bytes:
        """The last complete line, without its newline, b"" if none; an incomplete one behind it is cut off the file."""
        start = max(0, self.size - 2 * chain.LINE_MAX)
        tail = os.pread(self.fd, self.size - start, start)
        end = tail.rfind(b"\n") + 1
        if len(tail) - end > chain.LINE_MAX:
            return b""  # nothing that this log ever wrote: left as it is
        if end < len(tail):
            self.size = start + end
            os.ftruncate(self.fd, self.size)
            os.fsync(self.fd)
        return tail[: end - 1].rpartition(b"\n")[2] if end else b""

    def last_row(self) -> Mapping[str, object] | None:
        """The record in the last complete line, if it holds."""
        row = chain.parse(self.last_line())
        return row if row is not None and chain.is_intact(row) else None

    def count(self) -> int:
        """How many lines the file has."""
        with open(self.fd, "rb", closefd=False) as file:
            file.seek(0)
            return sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))


def resume(directory: Directory) -> tuple[Segment, str]:
    """The newest file, ready for the next record, and a remark about what was found; "" when all was in order."""
    names = segments(directory)
    if not names:
        return Segment.begin(directory, after=Head()), ""
    newest = Segment.open(directory, names[-1])
    size = newest.size
    if row := newest.last_row():
        newest.head = chain.head_of(row)
        return newest, _remark(row, cut=size - newest.size)
    if newest.size == 0:
        return _empty(directory, newest, names)
    return _damaged(directory, newest, names)


def segments(directory: Directory) -> list[str]:
    """The names of the log's files, oldest first."""
    return [name for name in directory.names() if name.startswith(_PREFIX) and name.endswith(_SUFFIX)]


def _remark(row: Mapping[str, object], *, cut: int) -> str:
    if cut:
        return f"the last line was cut off: {cut} bytes"
    return "" if row["event"] == chain.CLOSED else _UNCLEAN


def _empty(directory: Directory, newest: Segment, names: list[str]) -> tuple[Segment, str]:
    """A file made, but not written, before a crash: it goes on behind the file before it."""
    if len(names) == 1:
        return newest, _UNCLEAN
    with Segment.open(directory, names[-2]) as before:
        row = before.last_row()
    newest.head = chain.head_of(row) if row else Head(_number(names[-1]) - 1)
    return newest, _UNCLEAN if row else _DAMAGED


def _damaged(directory: Directory, newest: Segment, names: list[str]) -> tuple[Segment, str]:
    with newest:
        after = Head(_number(names[-1]) + max(newest.count(), 1) - 1)
    return Segment.begin(directory, after=after), _DAMAGED


def _number(name: str) -> int:
    digits = name.removeprefix(_PREFIX).removesuffix(_SUFFIX)
    return int(digits) if digits.isdecimal() else 1
