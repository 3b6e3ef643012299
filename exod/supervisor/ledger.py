"""What goes into the audit, spelt in one place: one verb per event; `exod/state/events.py` has the table of them.

What people want to read of it goes into the log as well, with the plugin, version, instance and job it is about.
"""

import logging

from exod.errors import Refusal
from exod.state.events import EVENTS
from exod.supervisor.ports import Audit, Caller

_log = logging.getLogger("exod")
_ABOUT = ("plugin", "version", "instance", "job")


class Ledger:
    """Writes never block and never fail; they are durable after the audit's flush."""

    def __init__(self, audit: Audit) -> None:
        self._audit = audit

    def note(self, event: str, source: str = "exod", by: str = "", /, **fields: object) -> None:
        """source: who saw it. by: the plugin or user who can cause any number of these."""
        if self._audit.write(event, fields, source, by) and (level := EVENTS[event].log):
            texts = {name: str(value) for name, value in fields.items()}
            said = texts.get("sentence") or " ".join([event, *(f"{name}={text}" for name, text in texts.items())])
            about = {name: texts[name] for name in _ABOUT if name in texts}
            _log.log(logging.getLevelNamesMapping()[level.upper()], "%s", said, extra=about)

    def answered(self, refusal: Refusal | None, *, caller: Caller, subject: str, **more: object) -> None:
        """Once for each refusal, where the request that it answers ends; None: it was let in."""
        by = f"uid {caller.uid}" if caller.uid else ""
        fields = {"subject": subject, "caller": caller.name, "uid": caller.uid} | more
        if refusal is None:
            self.note("request", "exod", by, **fields)
        else:
            self.note("refused", "exod", by, **fields, **refusal.fields())

    def fault(self, plugin: str, refusal: Refusal) -> None:
        """A plugin came to grief without anybody asking for anything."""
        self.note("fault", plugin=plugin, **refusal.fields())
