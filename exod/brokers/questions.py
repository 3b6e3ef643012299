"""What instances ask of brokers over their channels: who asks, how often it may, and how it hears that it may not."""

from collections.abc import Callable
from typing import Any, Protocol

from exod.errors import Refusal, Refused
from exod.plan.confine import Confinement
from exod.supervisor.ports import Channel, Want

USES = 32
"""So many a second of one plugin: each is a record of the audit, which others need as well."""


class Asker(Protocol):
    """An instance, as the supervisor has it."""

    @property
    def plugin(self) -> str: ...
    @property
    def confinement(self) -> Confinement: ...
    def line(self) -> Channel: ...


class Uses:
    """Of each plugin, in the second that is now."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._used: dict[str, tuple[int, int]] = {}

    def count(self, plugin: str, *, what: str) -> None:
        """Raises Refused for one too many: "cannot WHAT"."""
        second = int(self._now())
        began, uses = self._used.get(plugin, (second, 0))
        self._used[plugin] = (second, uses + 1 if began == second else 1)
        if self._used[plugin][1] > USES:
            raise Refused(Refusal("too-often", f"cannot {what}: {USES} questions a second are answered"))


def give(asker: Asker, want: Want, value: Any, refused: str) -> None:
    try:
        asker.line().give(want.number, value, refused)
    except Refused:
        return  # it is gone, and with it the question
