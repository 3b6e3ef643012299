"""The file of rows that are in no frame yet: opened, read back, flushed, emptied.

What `flush` returned from survives the end of this process and of the host's power. What is not wanted on disk any more
is cut off, never written over.
"""

import os

import rows

NAME = "journal"


class Journal:
    def __init__(self, directory: str) -> None:
        self._path = os.path.join(directory, NAME)
        self._file = -1
        self._writer = rows.Writer()
        self._flushed = 0
        self._waiting = bytearray()

    @property
    def size(self) -> int:
        """Of what is in it, flushed or not."""
        return self._flushed + len(self._waiting)

    @property
    def waiting(self) -> int:
        """Bytes that are not flushed."""
        return len(self._waiting)

    def open(self) -> list[rows.Row]:
        """What an earlier process flushed; its torn end is cut off."""
        self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        found = list(rows.scan(_whole(self._file)))
        for row in found:
            self._writer.know(row.values)
        self._flushed = found[-1].end if found else 0
        self._cut()
        return found

    def add(self, number: int, time: int, values: dict[str, float]) -> None:
        self._waiting += self._writer.encode(number, time, values)

    def flush(self) -> None:
        """OSError leaves all that waits where it is: a failed fsync says nothing about what it was asked for, so that
        everything is cut off and written again the next time (fsync(2), Linux forgets the error with the first report).
        """
        try:
            write_all(self._file, self._waiting, at=self._flushed)
            os.fsync(self._file)
        except OSError:
            self._cut()
            raise
        self._flushed += len(self._waiting)
        self._waiting.clear()

    def empty(self) -> None:
        """Everything in it is in a frame on disk."""
        self._flushed = 0
        self._waiting.clear()
        self._writer.forget()
        self._cut()

    def close(self) -> None:
        """What was not flushed is gone."""
        file, self._file = self._file, -1
        if file >= 0:
            os.close(file)

    def _cut(self) -> None:
        os.ftruncate(self._file, self._flushed)


def write_all(file: int, data: bytes | bytearray, *, at: int) -> None:
    done = 0
    while done < len(data):
        done += os.pwrite(file, memoryview(data)[done:], at + done)


def _whole(file: int) -> bytes:
    data = bytearray()
    while chunk := os.pread(file, 1 << 20, len(data)):
        data += chunk
    return bytes(data)
