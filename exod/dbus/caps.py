"""How much one sender may ask: calls in flight, calls a second, unfinished jobs. Past it: LimitsExceeded."""

from collections.abc import Callable
from dataclasses import dataclass

from exod.dbus.failures import Standard


@dataclass(frozen=True, slots=True)
class Caps:
    """`rate` calls a second in the long run, `burst` at once; a denial counts as `denial` calls.

    `senders` are remembered, quiet ones forgotten first.
    """

    in_flight: int = 32
    rate: float = 2000.0
    burst: float = 10_000.0
    denial: float = 200.0
    jobs: int = 16
    senders: int = 1024


@dataclass(slots=True)
class _Sender:
    tokens: float
    seen: float
    in_flight: int = 0

    def end(self) -> None:
        self.in_flight -= 1


class Meter:
    """Counts per unique bus name; `now` is monotonic seconds."""

    def __init__(self, caps: Caps, *, now: Callable[[], float]) -> None:
        self._caps = caps
        self._now = now
        self._senders: dict[str, _Sender] = {}

    def admit(self, sender: str) -> None:
        """Counts one call. Raises Standard."""
        record = self._record(sender)
        if record.tokens < 1:
            raise Standard("LimitsExceeded", f"cannot take the call: more than {self._caps.rate:.0f} a second")
        record.tokens -= 1

    def charge(self, sender: str, calls: float) -> None:
        """As if it had called so many times."""
        self._record(sender).tokens -= calls

    def begin(self, sender: str) -> Callable[[], None]:
        """Counts a call that will be answered later; the result is to be called when it was. Raises Standard."""
        record = self._record(sender)
        if record.in_flight >= self._caps.in_flight:
            raise Standard("LimitsExceeded", f"cannot take the call: {record.in_flight} others are not answered yet")
        record.in_flight += 1
        return record.end

    def _record(self, sender: str) -> _Sender:
        now = self._now()
        record = self._senders.get(sender)
        if record is None:
            self._make_room()
            record = self._senders[sender] = _Sender(self._caps.burst, now)
        record.tokens = min(self._caps.burst, record.tokens + (now - record.seen) * self._caps.rate)
        record.seen = now
        return record

    def _make_room(self) -> None:
        if len(self._senders) < self._caps.senders:
            return
        quiet = sorted((record.seen, name) for name, record in self._senders.items() if not record.in_flight)
        for _, name in quiet[: max(1, self._caps.senders // 8)]:
            del self._senders[name]
