"""What happened → the audit log: hash-chained lines in `audit/`, one file after another, the chain running through all.

`write` never blocks and never fails: it queues. What the queue cannot hold is counted and the count recorded. A disk
that fails keeps the queue, is told to the daemon at once, and is tried again at the next write.
Files are named by their first record, so that none is renamed and a missing one shows.
"""

import asyncio
import contextlib
import os
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from exod.state import chain
from exod.state.chain import Head, Record, Report
from exod.state.directory import Directory
from exod.state.segment import Segment, resume, segments
from exod.state.writer import Writer, call_on

BATCH = 256
NAME_MAX = 64
FIELDS_MAX = 32
TEXT_MAX = 7680


@dataclass(frozen=True, slots=True)
class Caps:
    """`queue` in records, `file` in bytes; of `files` the oldest goes."""

    queue: int = 4096
    file: int = 8 << 20
    files: int = 16


_CAPS = Caps()


@dataclass(eq=False)
class Audit:
    """Implements the supervisor's port; made by `open`. `_on_degraded` is called on the loop: with a reason, or "" when
    all is well."""

    _directory: Directory
    _segment: Segment
    _writer: Writer
    _clock: Callable[[], float]
    _on_degraded: Callable[[str], None]
    _caps: Caps
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.get_running_loop)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _queue: deque[Record] = field(default_factory=deque)
    _lost: Counter[str] = field(default_factory=Counter)
    _posted: bool = False
    _problem: str = ""
    _closed: bool = False

    @classmethod
    async def open(
        cls,
        path: Path,
        *,
        writer: Writer,
        on_degraded: Callable[[str], None] = lambda _: None,
        clock: Callable[[], float] = time.time,
        caps: Caps = _CAPS,
    ) -> "Audit":
        """Continue the log in `path`, or begin one. Raises Refused when others may write it."""
        directory = await writer.submit(lambda: Directory.open(path, make=True))
        segment, remark = await writer.submit(lambda: resume(directory))
        audit = cls(directory, segment, writer, clock, on_degraded, caps)
        audit.write("audit-opened", {"remark": remark} if remark else {})
        return audit

    @property
    def head(self) -> Head:
        """The last record on disk: what a checkpoint elsewhere remembers."""
        return self._segment.head

    def write(self, event: str, fields: Mapping[str, str], *, source: str = "exod") -> None:
        record = Record(self._clock(), _text(event, NAME_MAX), _text(source, NAME_MAX), _clean(fields))
        with self._lock:
            if self._closed:
                return
            if len(self._queue) < self._caps.queue:
                self._queue.append(record)
            else:
                self._lost[record.event] += 1
        self._post()

    async def flush(self) -> None:
        """Return when all that was written before is durable; raises OSError when the disk does not take it."""
        await self._writer.submit(self._drain)

    async def close(self) -> None:
        """Write what is queued and the closing record; twice is fine. A failing disk has been told already."""
        if self._closed:
            return
        with contextlib.suppress(OSError):
            await self.flush()
            self.write(chain.CLOSED, {})
            self._closed = True
            await self.flush()
        self._closed = True
        await self._writer.submit(self._release)

    def _release(self) -> None:
        self._segment.close()
        self._directory.close()

    def _post(self) -> None:
        with self._lock:
            post, self._posted = not self._posted, True
        if post:
            self._writer.post(self._drain_quietly)

    def _drain_quietly(self) -> None:
        # What the disk refused was told through on_degraded, and is kept for the next attempt.
        with contextlib.suppress(OSError):
            self._drain()

    def _drain(self) -> None:
        with self._lock:
            self._posted = False
            self._note_lost()
            records = list(self._queue)
        try:
            for start in range(0, len(records), BATCH):
                self._append(records[start : start + BATCH])
        except OSError as error:
            self._tell(f"audit log: {error.strerror or error}")
            raise
        self._tell("")
        if self._lost:
            self._post()

    def _append(self, records: Sequence[Record]) -> None:
        """Make `records` durable, then forget them; a new file first when the present one is full."""
        if self._segment.size >= self._caps.file:
            self._rotate()
        self._segment.append(records)
        with self._lock:
            for _ in records:
                self._queue.popleft()

    def _note_lost(self) -> None:
        """Turn the count of what the queue refused into one record, as soon as there is room for it."""
        if self._lost and len(self._queue) < self._caps.queue:
            fields = {event: str(count) for event, count in self._lost.most_common(FIELDS_MAX - 1)}
            fields["total"] = str(self._lost.total())
            self._queue.append(Record(self._clock(), "audit-dropped", "exod", fields))
            self._lost.clear()

    def _rotate(self) -> None:
        fresh = Segment.begin(self._directory, after=self._segment.head)
        self._segment.close()
        self._segment = fresh
        names = segments(self._directory)
        for name, following in pairwise(names[: max(0, len(names) - self._caps.files) + 1]):
            self._prune(name, before=following)

    def _prune(self, name: str, *, before: str) -> None:
        """Remove the oldest file; the log itself says so first, or the missing beginning would look like a cut."""
        with Segment.open(self._directory, before) as following:
            start = following.start()
        fields = {"through": str(start.seq), "hash": start.hash, "file": name}
        self._segment.append([Record(self._clock(), chain.PRUNED, "exod", fields)])
        self._directory.remove(name)

    def _tell(self, problem: str) -> None:
        if problem != self._problem:
            self._problem = problem
            call_on(self._loop, self._on_degraded, problem)


def verify(path: Path, *, checkpoints: Sequence[Head] = ()) -> Report:
    """Check the log in the directory `path`, or one file of it; also a copy that anybody may own. Raises OSError."""
    files = sorted(path.glob("audit-*.jsonl")) if path.is_dir() else [path]
    return chain.verify(((file.name, _lines(file)) for file in files), checkpoints=checkpoints)


def _lines(path: Path) -> Iterator[bytes]:
    # Bounded reads: a log made into one endless line must not fill the memory of who checks it.
    with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NOFOLLOW | os.O_NONBLOCK)) as file:
        while data := file.readline(chain.LINE_MAX + 2):
            yield data


def _text(value: object, limit: int) -> str:
    text = value if isinstance(value, str) else str(value)
    return text if len(text) <= limit else text[:limit] + "…"


def _clean(fields: Mapping[str, str]) -> dict[str, str]:
    """Bounded strings whatever the caller passed: no record is lost to its own size, none exceeds a line."""
    items = list(fields.items())[:FIELDS_MAX]
    limit = TEXT_MAX // max(1, len(items)) - NAME_MAX
    return {_text(key, NAME_MAX): _text(value, limit) for key, value in items}
