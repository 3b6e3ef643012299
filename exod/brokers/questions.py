"""What instances ask of brokers over their channels: who asks, how often it may, and how it hears that it may not."""

from collections.abc import Callable
from typing import Any, Protocol

from exod.errors import Refusal, Refused
from exod.plan.confine import Confinement
from exod.supervisor.ports import Channel, Want
from exosdk import wire

USES = 32
"""So many a second of one plugin: each is a record of the audit, which others need as well."""
_SHORT = 300


class Asker(Protocol):
    """An instance, as the supervisor has it."""

    @property
    def plugin(self) -> str: ...
    @property
    def confinement(self) -> Confinement: ...
    def line(self) -> Channel: ...


class Uses:
    """Of each plugin, in the second that is now."""

    def __init__(self, now: Callable[[], float], *, most: int = USES) -> None:
        self._now, self._most = now, most
        self._used: dict[str, tuple[int, int]] = {}

    def count(self, plugin: str, *, what: str) -> None:
        """Raises Refused for one too many: "cannot WHAT"."""
        second = int(self._now())
        began, uses = self._used.get(plugin, (second, 0))
        self._used[plugin] = (second, uses + 1 if began == second else 1)
        if self._used[plugin][1] > self._most:
            raise Refused(Refusal("too-often", f"cannot {what}: {self._most} questions a second are answered"))


def give(asker: Asker, want: Want, value: Any, refused: str) -> None:
    """The answer; to a question that expects none nobody listens."""
    try:
        tell(asker, wire.Given(want.number, wire.pack(value), refused))
    except wire.MalformedError:  # what it asked about may be as long as a message, and what others said longer
        short = refused[:_SHORT] or "cannot answer: it is more than a message holds"
        tell(asker, wire.Given(want.number, wire.NOTHING, short))


def tell(asker: Asker, frame: wire.Down, *descriptors: int) -> bool:
    """False when it does not take it now: it is gone, and with it the question, or its channel is full."""
    try:
        return asker.line().tell(frame, *descriptors)
    except Refused:
        return False
