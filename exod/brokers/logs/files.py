"""Pipes that instances write to → one bounded, rotated file for each plugin; the last lines of it again.

Bytes are kept as they came, with a time and the instance before each line; whoever prints them strips what a terminal
would obey. One turn reads a bounded amount, and so does one second: a plugin that floods its log waits for its pipe.
"""

import asyncio
import os
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path

TURN = 1 << 16
LINE_MAX = 4096
RATE = 256 << 10
"""Bytes that one instance may add to its log in a second, stamps included: a flood of empty lines grows twentyfold."""


class PluginLog:
    def __init__(self, path: Path, *, limit: int) -> None:
        self._path, self._limit = path, limit
        self._file = -1

    def write(self, lines: Sequence[bytes], *, instance: int) -> int:
        """How many bytes that took."""
        stamp = f"{time.time():.3f} {instance} ".encode()
        data = b"".join(stamp + line + b"\n" for line in lines)
        if self._file < 0:
            self._file = os.open(
                self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600
            )
        if os.fstat(self._file).st_size + len(data) > self._limit:
            self._rotate()
        os.write(self._file, data)
        return len(data)

    def close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _rotate(self) -> None:
        os.replace(self._path, self._path.with_suffix(".log.1"))
        os.close(self._file)
        self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)


class Drain:
    """The reading end of one instance's pipe, until the last writer is gone."""

    def __init__(self, end: int, log: PluginLog, *, instance: int) -> None:
        self._end, self._log, self._instance = end, log, instance
        self._rest = b""
        self._left = RATE
        self._loop = asyncio.get_running_loop()
        self._pause: asyncio.TimerHandle | None = None
        os.set_blocking(end, False)
        self._loop.add_reader(end, self._readable)

    def close(self) -> None:
        """Takes what is still in the pipe; twice is fine."""
        if self._end < 0:
            return
        self._readable()
        if self._end >= 0:
            self._finish()

    def _readable(self) -> None:
        try:
            data = os.read(self._end, TURN)
        except BlockingIOError:
            return
        if not data:
            self._finish()
            return
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > LINE_MAX:
            lines, self._rest = [*lines, self._rest], b""
        if lines:
            self._left -= self._log.write([line[:LINE_MAX] for line in lines], instance=self._instance)
        if self._pause is None:
            self._pause = self._loop.call_later(1.0, self._resume)
        if self._left <= 0:
            self._loop.remove_reader(self._end)

    def _resume(self) -> None:
        """What a turn took beyond the second's share comes off the next."""
        self._pause = None
        self._left = min(RATE, self._left + RATE)
        if self._left > 0:
            self._loop.add_reader(self._end, self._readable)
        else:
            self._pause = self._loop.call_later(1.0, self._resume)

    def _finish(self) -> None:
        if self._pause is not None:
            self._pause.cancel()
        self._loop.remove_reader(self._end)
        os.close(self._end)
        self._end = -1
        if self._rest:
            self._log.write([self._rest], instance=self._instance)


class Logs:
    def __init__(self, directory: Path, *, limit: int) -> None:
        self._directory, self._limit = directory, limit
        self._open: dict[str, PluginLog] = {}

    def drain(self, plugin: str, end: int, *, instance: int) -> Drain:
        """What empties the pipe whose reading end is `end`, and closes it."""
        log = self._open.get(plugin)
        if log is None:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            log = self._open[plugin] = PluginLog(self._directory / f"{plugin}.log", limit=self._limit)
        return Drain(end, log, instance=instance)

    def tail(self, plugin: str, lines: int) -> list[str]:
        """The last lines, oldest first, without the ends of lines; undecodable bytes are shown as �."""
        kept: deque[str] = deque(maxlen=max(lines, 0))
        for suffix in (".log.1", ".log"):
            path = self._directory / f"{plugin}{suffix}"
            if path.is_file():
                kept.extend(path.read_bytes().decode(errors="replace").split("\n")[:-1])
        return list(kept)

    def close(self) -> None:
        for log in self._open.values():
            log.close()
        self._open.clear()
