"""What happened → the audit log: sealed, hash-chained lines in `audit/`, one file after another, one chain through all.

`write` never blocks and never fails: it queues. What the queue cannot hold is counted and the count recorded; so is
what one plugin or user causes too much of. A disk that fails keeps the queue, is told to the daemon at once, and is
tried again at the next write. Files are named by their first record, so that none is renamed and a missing one shows.
"""

import asyncio
import logging
import os
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import islice, pairwise
from pathlib import Path

from exod.errors import Refused
from exod.state import chain, sealing
from exod.state.chain import Head, Record
from exod.state.directory import Descriptor, Directory
from exod.state.events import DELAY, EVENTS
from exod.state.quota import INTERVAL, Quota
from exod.state.segment import Segment, number, resume, segments
from exod.state.writer import Writer, call_on

BATCH = 256
NAME_MAX = 64
FIELDS_MAX = 32
TEXT_MAX = 7680
READ_MAX = 128 << 10
"""Bytes of one read; a message on the bus takes twice that."""
Later = Callable[[float, Callable[[], None]], object]
"""Does something on the loop, so many seconds from now."""
_log = logging.getLogger("exod")


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
    all is well. `_remembered`: what the registry knows of the end. `_written`: how many of the queue are in the file,
    but perhaps not on the disk."""

    _directory: Directory
    _segment: Segment
    _keys: Descriptor
    _writer: Writer
    _clock: Callable[[], float]
    _later: Later | None
    _remembered: Callable[[], Head]
    _on_degraded: Callable[[str], None]
    _caps: Caps
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.get_running_loop)
    _queue: deque[Record] = field(default_factory=deque)
    _quota: Quota = field(default_factory=Quota)
    _written: int = 0
    _posted: bool = False
    _told: int = 0
    _awaited: set[float] = field(default_factory=set)
    _error: OSError | Refused | None = None
    _closed: bool = False

    @classmethod
    async def open(
        cls,
        path: Path,
        *,
        writer: Writer,
        on_degraded: Callable[[str], None] = lambda _: None,
        remembered: Callable[[], Head] = Head,
        clock: Callable[[], float] = time.time,
        later: Later | None = None,
        caps: Caps = _CAPS,
    ) -> "Audit":
        """Continue the log in `path`, or begin one. Raises Refused when others may write it.

        clock: seconds since the epoch. remembered: the registry's last record.
        """
        directory = await writer.submit(lambda: Directory.open(path, make=True))
        segment, keys, remark = await writer.submit(lambda: resume(directory, remembered=remembered()))
        audit = cls(directory, segment, keys, writer, clock, later, remembered, on_degraded, caps)
        audit.write("audit-opened", {"key": segment.seal.id, "remark": remark})
        audit._in(INTERVAL, audit._tell)
        return audit

    @property
    def head(self) -> Head:
        """The last record on disk: what a checkpoint elsewhere remembers."""
        return self._segment.durable[1].head

    def write(self, event: str, fields: Mapping[str, object], source: str = "exod", by: str = "") -> bool:
        """`by`: the plugin or user who can cause any number of these; False if that were too many, and only counted."""
        if self._closed or (by and not self._quota.admits(event, by)):
            return False
        if len(self._queue) < self._caps.queue:
            self._queue.append(Record(self._clock(), _text(event, NAME_MAX), _text(source, NAME_MAX), _clean(fields)))
        else:
            self._quota.counted[event, by] += 1
        if not self._posted:
            self._posted = True
            self._writer.post(self._drain)
        self._in(DELAY, lambda: self._writer.post(lambda: self._drain(key=True)))
        return True

    async def flush(self) -> None:
        """Return when all that was written before is durable; raises OSError when the disk does not take it."""
        if error := await self._writer.submit(lambda: self._drain(sync=True)):
            raise error

    async def close(self) -> None:
        """Write what is queued and the closing record; twice is fine. A failing disk has been told already."""
        if self._closed:
            return
        if not await self._writer.submit(lambda: self._drain(sync=True)):
            self._tell()
            self.write(chain.CLOSED, {})
            self._closed = True
            await self._writer.submit(lambda: self._drain(key=True))
            self._tell()
        self._closed = True
        await self._writer.submit(self._release)

    # --- what is read ----------------------------------------------------------------------------------------------

    async def files(self) -> tuple[list[tuple[str, int]], dict[str, str]]:
        """Names and sizes of the log's files, oldest first, and what is known of its end; all written before is there.

        proof: what only whoever has the key of that place can know. registry: the last record that it remembers.
        """
        return await self._writer.submit(self._files)

    async def read(self, name: str, offset: int) -> bytes:
        """At most READ_MAX bytes of one file; none of one that is not, or not any more."""
        return await self._writer.submit(lambda: self._read(name, offset))

    def _files(self) -> tuple[list[tuple[str, int]], dict[str, str]]:
        self._drain(sync=True)
        _, seal = self._segment.durable
        known = {"key": seal.id, "seq": str(seal.head.seq), "hash": seal.head.hash, "proof": seal.proof}
        remembered = self._remembered()
        known |= {"registry_seq": str(remembered.seq), "registry_hash": remembered.hash}
        known["initial_key"] = "here" if self._directory.has(sealing.INITIAL) else "taken"
        names = segments(self._directory)
        return [(name, os.stat(name, dir_fd=self._directory.fd).st_size) for name in names], known

    def _read(self, name: str, offset: int) -> bytes:
        if name not in segments(self._directory):
            return b""
        with Segment.open(self._directory, name, seal=self._segment.seal) as file:
            return os.pread(file.fd, READ_MAX, offset)

    # --- in the writer's thread --------------------------------------------------------------------------------------

    def pin(self) -> Head:
        """What the registry's next transaction repeats: all that was written before is durable, or the disk fails."""
        if not self._closed:
            self._drain(sync=True)
        return self.head

    def _drain(self, *, sync: bool = False, key: bool = False) -> OSError | Refused | None:
        """What is queued into the file; onto the disk if asked for, or urgent; the key as well if asked for.

        What the disk refused is told through on_degraded, and kept for the next attempt.
        """
        self._posted = False  # before the queue is read: what comes later asks again
        records = list(islice(self._queue.copy(), self._written, None))
        urgent = any(record.event not in EVENTS or not EVENTS[record.event].within for record in records)
        error: OSError | Refused | None = None
        try:
            for batch in (records[start : start + BATCH] for start in range(0, len(records), BATCH)):
                if self._segment.size >= self._caps.file:
                    self._rotate()
                self._segment.append(batch)
                self._written += len(batch)
            if sync or key or urgent or self._written > BATCH:
                self._sync()
            if key:
                os.fdatasync(self._keys.fd)
        except (OSError, Refused) as failed:  # full, broken, or somebody else may write it now
            error = failed
        if str(error) != str(self._error):
            problem = f"audit log: {getattr(error, 'strerror', error)}" if error else ""
            call_on(self._loop, self._on_degraded, problem)
        self._error = error
        return error

    def _sync(self) -> None:
        """Make durable what is in the file, then forget it, and the key that it was sealed with. Never the other way:
        a log that ends before its key was cut by somebody."""
        written, self._written = self._written, 0
        self._segment.sync()
        for _ in range(written):
            self._queue.popleft()
        os.pwrite(self._keys.fd, sealing.encode(self._segment.seal), 0)

    def _rotate(self) -> None:
        """Go on in a new file, and remove the oldest ones."""
        self._sync()
        os.fdatasync(self._keys.fd)
        fresh = Segment.begin(self._directory, after=self._segment.seal)
        self._segment.close()
        self._segment = fresh
        names = segments(self._directory)
        for name, following in pairwise(names[: max(0, len(names) - self._caps.files) + 1]):
            # The log itself says so before, or the missing beginning would look like a cut.
            with Segment.open(self._directory, following, seal=fresh.seal) as file:
                before = str(chain.row(file.lines()[0]).get("prev"))
            fields = {"through": str(number(following) - 1), "hash": before, "file": name}
            fresh.append([Record(self._clock(), chain.PRUNED, "exod", fields)])
            fresh.sync()
            self._directory.remove(name)

    def _release(self) -> None:
        for part in (self._segment, self._keys, self._directory):
            part.close()

    # --- on the loop, later ------------------------------------------------------------------------------------------

    def _in(self, delay: float, work: Callable[[], None]) -> None:
        """Once after `delay`, however often it is asked for meanwhile."""

        def due() -> None:
            self._awaited.discard(delay)
            if not self._closed:
                work()

        if delay not in self._awaited:
            self._awaited.add(delay)
            (self._later or self._loop.call_later)(delay, due)

    def _tell(self) -> None:
        """How far the log has come, to the daemon's log: under systemd the journal, which may be kept elsewhere. What
        was only counted, to the audit."""
        if self._told != self.head.seq:
            self._told = self.head.seq
            _log.info("audit checkpoint: record %d %s", self.head.seq, self.head.hash)
        for event, by, count in self._quota.settle():
            self.write("audit-flood", {"event": event, "by": by, "count": count})
        self._in(INTERVAL, self._tell)


def _text(value: object, limit: int) -> str:
    text = value if isinstance(value, str) else str(value)
    return text if len(text) <= limit else text[:limit] + "…"


def _clean(fields: Mapping[str, object]) -> dict[str, str]:
    """Bounded strings whatever the caller passed: no record is lost to its own size, none exceeds a line."""
    items = list(fields.items())[:FIELDS_MAX]
    limit = TEXT_MAX // max(1, len(items)) - NAME_MAX
    return {_text(key, NAME_MAX): _text(value, limit) for key, value in items}
