"""Messages on topics → series on disk, and back over a service: the hooks, and what is counted."""

from typing import Any

from buckets import Point, points
from payload import Reason, RefusedError, values
from store import FullError, Span, Store

from exosdk import Context, hookimpl
from exosdk.message import Message

FLUSH_SECONDS = 1.0
MOST_POINTS = 1000
"""With four numbers each, 37 KiB of the 64 KiB that an answer may have."""
MOST_VALUES = 1_000_000
"""That are read for one answer: 12 days of a sample a second, and a fifth of a second's work."""
_LATEST = float(1 << 52)
"""Milliseconds; columns packs no later time."""


class Recorder:
    """Records while it runs; what was flushed is there again at the next start."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._store: Store | None = None
        self._fault = ""
        self.received = self.flushed = 0
        self.refused = dict.fromkeys(map(str, Reason), 0)
        self._shown = self._figures()

    @hookimpl
    def start(self) -> None:
        if "ipc" in self._context.permissions:
            for pattern in str(self._context.config["topics"]).split():
                self._context.subscribe(pattern, self._take)
        if self._context.state_dir:
            self._store = Store(self._context.state_dir, most=self._most())
            self._store.open()
        self._context.every(FLUSH_SECONDS, self._flush)
        self._announce()

    @hookimpl
    def stop(self) -> None:
        self._flush()
        if self._store is not None:
            self._store.close()
            self._store = None

    @hookimpl
    def suspend(self) -> None:
        self._flush()

    @hookimpl
    def configure(self) -> None:
        if self._store is not None:
            self._store.bound(self._most())

    @hookimpl
    def health(self) -> str:
        if not self._context.state_dir:
            return "nothing is kept: there is no state directory"
        if "ipc" not in self._context.permissions:
            return "nothing is received: ipc was not granted"
        if self._store is not None and self._store.damaged:
            return f"{self._store.damaged} damaged pieces are left out"
        return self._fault

    # The service `recorder`, as package.toml declares it.

    def query(self, series: str, first: float, last: float, most: int) -> list[Point]:
        """Seconds since 1970; `last` 0 is the end. At most `most` points, of which 0 is as many as there may be."""
        if self._store is None:
            raise LookupError("nothing is recorded now")
        end = last * 1000 if last else _LATEST
        if not (0 <= first * 1000 <= _LATEST and 0 <= end <= _LATEST):
            raise ValueError("a range goes from seconds since 1970 to seconds since 1970")
        if not self._store.has(series):
            raise LookupError(f"there is no series {series}")
        bounds = round(first * 1000), round(end)
        span = self._store.span(series, *bounds)
        if span.count > MOST_VALUES:
            raise ValueError(f"the range has about {span.count} values of {MOST_VALUES} at most: ask for a shorter one")
        return points(self._store.parts(series, *bounds), span.first, span.last, min(most or MOST_POINTS, MOST_POINTS))

    def series(self) -> list[tuple[str, float, float, int]]:
        spans: dict[str, Span] = self._store.spans() if self._store else {}
        return [(name, span.first / 1000, span.last / 1000, span.count) for name, span in sorted(spans.items())]

    @property
    def bytes(self) -> int:
        return self._store.size if self._store else 0

    @property
    def samples(self) -> int:
        return self._store.samples if self._store else 0

    # What comes, and when it is written.

    def _take(self, message: Message) -> None:
        """The time is the sender's: when it published, not when there was time to record it."""
        self.received += 1
        try:
            self._record(message)
        except RefusedError as error:
            self.refused[error.reason] += 1

    def _record(self, message: Message) -> None:
        found = values(message.topic, message.data)
        time = message.timestamp * 1000
        if not 0 <= time <= _LATEST:
            raise RefusedError(Reason.TIME)
        if self._store is None:
            raise RefusedError(Reason.FULL)
        try:
            self._store.add(round(time), found)
        except FullError as error:
            raise RefusedError(Reason.FULL) from error
        if self._store.due:
            self._write()

    def _flush(self) -> None:
        self._write()
        self._announce()

    def _write(self) -> None:
        fault = ""
        try:
            if self._store is not None:
                self._store.flush()
            self.flushed = self.received
        except OSError as error:
            fault = f"cannot write: {error.strerror}"
        if fault != self._fault:
            self._context.log.warning("%s", fault or "can write again")
        self._fault = fault

    def _announce(self) -> None:
        figures = self._figures()
        self._context.changed(*(name for name, value in figures.items() if value != self._shown.get(name)))
        self._shown = figures

    def _figures(self) -> dict[str, Any]:
        counts = {"Received": self.received, "Flushed": self.flushed, "Refused": dict(self.refused)}
        return {"Bytes": self.bytes, "Samples": self.samples, **counts}

    def _most(self) -> int:
        return int(self._context.config["bytes"])
