"""The files of frames, oldest first: appended to, read from, and the oldest deleted when all are too large together.

NNNNNNNNNN.frames, each up to `most // PARTS` bytes and a frame. An index of their blocks is kept in memory, and made
again from the files by `open`.
"""

import os
from collections.abc import Iterator

import columns
import frames
from journal import write_all

PARTS = 16
"""So many files at least, when there is no more room: with the oldest goes this part of what is kept."""
MOST_BLOCKS = 20_000
"""In memory: 8 MiB. Whoever publishes a little on many topics has small blocks."""
_SUFFIX = ".frames"


class Segments:
    """`samples` counts the values on disk, `damaged` the chunks and bytes' ends that could not be read since `open`."""

    def __init__(self, directory: str, *, most: int) -> None:
        self.most = most
        self.samples = 0
        self.damaged = 0
        self._directory = directory
        self._sizes: dict[int, int] = {}
        self._index: dict[str, list[frames.Block]] = {}
        self._count = 0

    @property
    def size(self) -> int:
        return sum(self._sizes.values())

    @property
    def index(self) -> dict[str, list[frames.Block]]:
        return self._index

    def open(self) -> int:
        """The number of the newest row in any frame. The torn end of the newest file is cut off."""
        stems = (name.removesuffix(_SUFFIX) for name in os.listdir(self._directory) if name.endswith(_SUFFIX))
        numbers = sorted(int(stem) for stem in stems if stem.isdecimal())
        through = 0
        for number in numbers:
            through = max(through, self._recover(number, newest=number == numbers[-1]))
        self.make_room(0)
        return through

    def append(self, data: bytes) -> None:
        """A frame; on disk when this returns. OSError leaves the file as it was."""
        self.make_room(len(data))
        number = max(self._sizes, default=0)
        if number not in self._sizes or self._sizes[number] >= self.most // PARTS:
            number += 1
        end = self._sizes.get(number, 0)
        self._write(number, data, at=end)
        self._sizes[number] = end + len(data)
        for frame in frames.scan(data, segment=number, base=end):
            self._enter(frame)

    def make_room(self, more: int) -> None:
        """The newest file stays, because it knows which rows of the journal are in a frame."""
        while len(self._sizes) > 1 and (self.size + more > self.most or self._count > MOST_BLOCKS):
            self._drop(min(self._sizes))

    def read(self, name: str, first: int, last: int) -> Iterator[tuple[list[float], list[float], float]]:
        """Of each block that may have some from `first` to `last`: times, and values as `unpack_values` has them.
        What is damaged is left out.
        """
        wanted = [block for block in self._index.get(name, ()) if block.first <= last and block.last >= first]
        for segment in sorted({block.segment for block in wanted}):
            file = os.open(self._path(segment), os.O_RDONLY | os.O_CLOEXEC)
            try:
                for block in wanted:
                    if block.segment == segment:
                        yield from self._chunks(file, block)
            finally:
                os.close(file)

    def _chunks(self, file: int, block: frames.Block) -> Iterator[tuple[list[float], list[float], float]]:
        try:
            times = columns.unpack_times(os.pread(file, block.times_length, block.times_at), block.count)
            numbers, scale = columns.unpack_values(os.pread(file, block.values_length, block.values_at), block.count)
        except columns.DamagedError:
            self.damaged += 1
        else:
            yield times, numbers, scale

    def _recover(self, number: int, *, newest: bool) -> int:
        with open(self._path(number), "rb") as file:
            data = file.read()
        through = end = whole = 0
        for frame in frames.scan(data, segment=number):
            self._enter(frame)
            whole += frame.end - frame.at
            through, end = frame.through, frame.end
        if newest and end < len(data):
            os.truncate(self._path(number), end)
        self._sizes[number] = end if newest else len(data)
        self.damaged += whole < self._sizes[number]
        return through

    def _enter(self, frame: frames.Frame) -> None:
        for name, block in frame.blocks:
            self._index.setdefault(name, []).append(block)
            self.samples += block.count
        self._count += len(frame.blocks)

    def _drop(self, number: int) -> None:
        os.unlink(self._path(number))
        del self._sizes[number]
        for name, blocks in list(self._index.items()):
            kept = [block for block in blocks if block.segment != number]
            self._count -= len(blocks) - len(kept)
            self.samples -= sum(block.count for block in blocks if block.segment == number)
            if kept:
                self._index[name] = kept
            else:
                del self._index[name]

    def _write(self, number: int, data: bytes, *, at: int) -> None:
        """A new file's name is on disk only when its directory is (fsync(2))."""
        file = os.open(self._path(number), os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            write_all(file, data, at=at)
            os.fsync(file)
            if at == 0:
                self._flush_directory()
        except OSError:
            os.ftruncate(file, at)
            raise
        finally:
            os.close(file)

    def _flush_directory(self) -> None:
        directory = os.open(self._directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)

    def _path(self, number: int) -> str:
        return os.path.join(self._directory, f"{number:010}{_SUFFIX}")
