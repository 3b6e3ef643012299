"""What goes into the audit, spelt in one place: one verb per event, every field a string."""

from typing import Literal

from exod.errors import Refusal
from exod.supervisor.ports import Audit

Event = Literal["verdict", "state", "job", "exit", "restart", "strike", "config", "trust", "daemon", "adopt"]


class Ledger:
    """Writes never block and never fail; they are durable after the audit's flush."""

    def __init__(self, audit: Audit) -> None:
        self._audit = audit

    def note(self, event: Event, **fields: object) -> None:
        self._write(event, **fields)

    def refused(self, refusal: Refusal, *, caller: str, subject: str, **more: object) -> None:
        """Once for each refusal, where the request that it answers ends."""
        self._write("refused", subject=subject, caller=caller, **more, **refusal.fields())

    def fault(self, plugin: str, refusal: Refusal) -> None:
        """A plugin came to grief without anybody asking for anything."""
        self._write("fault", plugin=plugin, **refusal.fields())

    def _write(self, event: str, **fields: object) -> None:
        self._audit.write(event, {name: str(value) for name, value in fields.items()})
