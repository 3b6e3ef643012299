"""What goes into the audit, spelt in one place: one verb per event, every field a string."""

from exod.errors import Refusal
from exod.supervisor.ports import Audit


class Ledger:
    """Writes never block and never fail; they are durable after the audit's flush."""

    def __init__(self, audit: Audit) -> None:
        self._audit = audit

    def refused(self, refusal: Refusal, *, caller: str, subject: str, **more: object) -> None:
        """Once for each refusal, where the request that it answers ends."""
        self._write("refused", subject=subject, caller=caller, **more, **refusal.fields())

    def verdict(self, *, plugin: str, version: str, **facts: object) -> None:
        self._write("verdict", plugin=plugin, version=version, **facts)

    def state(self, plugin: str, *, old: str, new: str, instance: int) -> None:
        self._write("state", plugin=plugin, old=old, new=new, instance=instance)

    def job(self, job: int, *, kind: str, plugin: str, caller: str, state: str) -> None:
        self._write("job", job=job, kind=kind, plugin=plugin, caller=caller, state=state)

    def exit(self, plugin: str, *, instance: int, cause: str, status: int, expected: bool) -> None:
        self._write("exit", plugin=plugin, instance=instance, cause=cause, status=status, expected=expected)

    def fault(self, plugin: str, refusal: Refusal) -> None:
        """A plugin came to grief without anybody asking for anything."""
        self._write("fault", plugin=plugin, **refusal.fields())

    def restart(self, plugin: str, *, attempt: int, delay: float) -> None:
        self._write("restart", plugin=plugin, attempt=attempt, delay=f"{delay:.3f}")

    def strike(self, plugin: str, *, instance: int, reason: str) -> None:
        self._write("strike", plugin=plugin, instance=instance, reason=reason)

    def config(self, plugin: str, *, keys: str) -> None:
        """Names only: values may be secrets."""
        self._write("config", plugin=plugin, keys=keys)

    def trust(self, change: str, *, generation: int, **facts: object) -> None:
        self._write("trust", change=change, generation=generation, **facts)

    def daemon(self, what: str) -> None:
        """start, stop, keeper-lost"""
        self._write("daemon", what=what)

    def _write(self, event: str, **fields: object) -> None:
        self._audit.write(event, {name: str(value) for name, value in fields.items()})
