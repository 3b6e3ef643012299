"""What goes into the audit, spelt in one place: one verb per event, every field a string.

What people want to read of it goes into the log as well, with the plugin, version, instance and job it is about.
"""

import logging
from typing import Literal

from exod.errors import Refusal
from exod.supervisor.ports import Audit

Event = Literal[
    "verdict", "state", "job", "exit", "restart", "strike", "config", "trust", "daemon", "adopt", "revoke", "limit",
    "setting",
]  # fmt: skip
_log = logging.getLogger("exod")
_ABOUT = ("plugin", "version", "instance", "job")
_LEVELS = {"fault": logging.ERROR, "refused": logging.WARNING, "restart": logging.WARNING, "limit": logging.WARNING}
_FOR_AUDITORS = frozenset(["verdict", "state", "strike", "trust", "daemon", "setting"])


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
        texts = {name: str(value) for name, value in fields.items()}
        self._audit.write(event, texts)
        if event not in _FOR_AUDITORS:
            said = texts.get("sentence") or " ".join([event, *(f"{name}={text}" for name, text in texts.items())])
            about = {name: texts[name] for name in _ABOUT if name in texts}
            _log.log(_LEVELS.get(event, logging.INFO), "%s", said, extra=about)
