"""What an instance says unasked, on its way to the face: only while it is the plugin's present instance.

A strike is something it said that no well-behaved plugin says. STRIKES of them end it: it is broken or hostile.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from exod.errors import Outcome, Refusal
from exod.supervisor.instance import Instance
from exod.supervisor.ports import Want
from exod.supervisor.roster import Roster

STRIKES = 16

Broken = Callable[[Instance, Refusal], None]
"""Told once an instance cannot go on although its process may still live."""


class Ears:
    """Implements ports.Listener for one instance."""

    def __init__(self, roster: Roster, instance: Instance, *, broken: Broken) -> None:
        self._broken = broken
        self._roster = roster
        self._instance = instance
        self._strikes = 0

    def emitted(self, service: str, signal: str, arguments: Sequence[Any]) -> None:
        if self._speaks():
            self._roster.world.face.emit(self._instance.plugin, service, signal, arguments)

    def changed(self, service: str, properties: Mapping[str, Any]) -> None:
        if self._speaks():
            self._roster.world.face.changed(self._instance.plugin, service, properties)

    def wanted(self, want: Want) -> None:
        if self._speaks():
            self._roster.desk.wanted(self._instance, want)

    def struck(self, reason: str) -> None:
        if not self._speaks():
            return
        self._strikes += 1
        one, note = self._instance, self._roster.ledger.note
        note("strike", f"instance {one.id}", f"plugin {one.plugin}", plugin=one.plugin, instance=one.id, reason=reason)
        if self._strikes == STRIKES:
            self.unhealthy(f"it broke the channel's rules {STRIKES} times")

    def unhealthy(self, reason: str) -> None:
        if self._speaks():
            sentence = f"cannot keep {self._instance.plugin} running: {reason}"
            self._broken(self._instance, Refusal("unhealthy", sentence, outcome=Outcome.FAILED))

    def _speaks(self) -> bool:
        return not self._instance.ending and self._instance.exit is None
