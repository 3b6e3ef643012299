"""Calls of plugins' services on their way in: which instance, is it declared, how long may it take.

Who may call at all is decided before; here only a caller in whose calls the plugin kept dying is turned away, which
is audited. That a plugin is not running or has no such method is an answer, not a decision, and is not.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from exod.errors import Outcome, Refusal, Refused
from exod.supervisor.instance import LOST, Instance
from exod.supervisor.lifecycle import State
from exod.supervisor.plugin import Plugin
from exod.supervisor.ports import Caller, Channel
from exod.supervisor.restart import recent
from exod.supervisor.roster import Roster

T = TypeVar("T")

TIMED_OUT = "call-timeout"
DEADLY = 3
"""So many crashes of a plugin within restart.WINDOW in one uid's calls, and that uid's calls are refused."""


class Calls:
    def __init__(self, roster: Roster) -> None:
        self._roster = roster

    async def call(
        self, plugin: str, service: str, method: str, arguments: Sequence[Any], caller: Caller
    ) -> Sequence[Any]:
        """The results. Raises Refused: unknown, not running, too slow, or what the plugin itself answered."""
        instance, _ = self._reach(plugin, service, method, caller, kind="methods")
        deadline = instance.confinement.limits.call_time
        return await self._serve(
            instance, caller, lambda line: line.call(service, method, arguments, caller, deadline=deadline)
        )

    async def get(self, plugin: str, service: str, name: str, caller: Caller) -> Any:
        """The value of a property. Raises Refused."""
        instance, _ = self._reach(plugin, service, name, caller, kind="properties")
        deadline = instance.confinement.limits.call_time
        return await self._serve(instance, caller, lambda line: line.get(service, name, caller, deadline=deadline))

    async def set(self, plugin: str, service: str, name: str, value: Any, caller: Caller) -> None:
        """Raises Refused, also for a property that is declared read-only."""
        instance, found = self._reach(plugin, service, name, caller, kind="properties")
        if found.access != "readwrite":
            sentence = f"cannot set {name} of {plugin}: it is read-only"
            raise Refused(Refusal("read-only", sentence, outcome=Outcome.USAGE))
        deadline = instance.confinement.limits.call_time
        await self._serve(instance, caller, lambda line: line.set(service, name, value, caller, deadline=deadline))

    async def _serve(self, instance: Instance, caller: Caller, ask: Callable[[Channel], Awaitable[T]]) -> T:
        """A call stays noted on the instance while the plugin may be at work on it: it tells in whose call a crash was.

        That is longer than its caller waits: one that came too late or gave up goes on inside, until the plugin, which
        serves them in order, has answered a later one. One that ended with the instance stays noted for good.
        """
        line, note = instance.line(), replace(caller)
        instance.calls.append(note)
        try:
            result = await ask(line)
        except Refused as refused:
            if refused.refusal.code not in (LOST, TIMED_OUT):
                _settle(instance, note)
            elif refused.refusal.evidence.get("sent") == "no":
                instance.calls[:] = [one for one in instance.calls if one is not note]
            raise
        _settle(instance, note)
        self._roster.plugins[instance.plugin].active_at = self._roster.world.clock.time()
        return result

    def _reach(self, name: str, service: str, member: str, caller: Caller, *, kind: str) -> tuple[Instance, Any]:
        """The running instance, and the method or property as its manifest declares it. Raises Refused."""
        plugin = self._roster.find(name, verb="call")
        instance = plugin.instance
        if plugin.state is not State.RUNNING or instance is None:
            sentence = f"cannot call {member} of {name}: it is {plugin.state.word}, not running"
            raise Refused(Refusal("not-running", sentence, f"exoctl plugin start {name}", outcome=Outcome.FAILED))
        self._turn_away(plugin, caller)
        declared = _named(service, instance.confinement.services, where=name)
        return instance, _named(member, getattr(declared, kind), where=declared.interface)

    def _turn_away(self, plugin: Plugin, caller: Caller) -> None:
        now = self._roster.world.clock.monotonic()
        deaths = sum(1 for crash in recent(plugin.crashes, now=now) if crash.uid == caller.uid)
        if deaths >= DEADLY:
            sentence = f"cannot call {plugin.name}: it crashed {deaths} times in calls of uid {caller.uid}"
            refusal = Refusal("deadly-caller", sentence, f"exoctl plugin logs {plugin.name}")
            self._roster.ledger.refused(refusal, caller=caller.name, subject=f"call {plugin.name}")
            raise Refused(refusal)


def _settle(instance: Instance, note: Caller) -> None:
    """The plugin has answered this one, and with it all before it."""
    place = next((index for index, one in enumerate(instance.calls) if one is note), -1)
    del instance.calls[: place + 1]


def _named(name: str, among: Iterable[Any], *, where: str) -> Any:
    for one in among:
        if one.name == name:
            return one
    sentence = f"cannot call {name}: {where} has none of that name"
    raise Refused(Refusal("unknown-member", sentence, outcome=Outcome.NOT_FOUND))
