"""Calls of plugins' services on their way in: which instance, is it declared, how long may it take.

Who may call at all is decided before; here only a caller in whose calls the plugin kept dying is turned away, which
is audited. That a plugin is not running or has no such method is an answer, not a decision, and is not.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from exod.errors import Outcome, Refusal, Refused
from exod.supervisor.instance import LOST, Instance
from exod.supervisor.lifecycle import State
from exod.supervisor.plugin import Plugin
from exod.supervisor.ports import Caller, Wanted
from exod.supervisor.restart import recent
from exod.supervisor.roster import Roster

TIMED_OUT = "call-timeout"
DEADLY = 3
"""So many crashes of a plugin within restart.WINDOW in one uid's calls, and that uid's calls are refused."""


class Calls:
    def __init__(self, roster: Roster) -> None:
        self._roster = roster

    async def ask(self, plugin: str, wanted: Wanted, caller: Caller) -> Any:
        """Raises Refused: unknown, read-only, not running, too slow, or what the plugin itself answered.

        A call stays noted on the instance while the plugin may be at work on it: it tells in whose call a crash was.
        That is longer than its caller waits: one that came too late or gave up goes on inside, until the plugin, which
        serves them in order, has answered a later one. One that ended with the instance stays noted for good.
        """
        instance = self._reach(plugin, wanted, caller)
        line, note = instance.line(), replace(caller)
        instance.calls.append(note)
        try:
            result = await line.ask(wanted, caller, deadline=instance.confinement.limits.call_time)
        except Refused as refused:
            if refused.refusal.code not in (LOST, TIMED_OUT):
                _settle(instance, note)
            elif refused.refusal.evidence.get("sent") == "no":
                instance.calls[:] = [one for one in instance.calls if one is not note]
            raise
        _settle(instance, note)
        self._roster.plugins[instance.plugin].active_at = self._roster.world.clock.time()
        return result

    def strike(self, plugin: str, reason: str) -> None:
        """The bus refused a value of this plugin's: counts as a strike on its channel does."""
        found = self._roster.plugins.get(plugin)
        if found is not None and found.instance is not None and found.instance.listener is not None:
            found.instance.listener.struck(reason)

    def _reach(self, name: str, wanted: Wanted, caller: Caller) -> Instance:
        """The running instance, if its manifest declares what is wanted of it. Raises Refused."""
        plugin = self._roster.find(name, verb="call")
        instance = plugin.instance
        if plugin.state is not State.RUNNING or instance is None:
            sentence = f"cannot call {wanted.member} of {name}: it is {plugin.state.word}, not running"
            raise Refused(Refusal("not-running", sentence, f"exoctl plugin start {name}", outcome=Outcome.FAILED))
        self._turn_away(plugin, caller)
        service = _named(wanted.service, instance.confinement.services, where=name)
        members = service.methods if wanted.kind == "method" else service.properties
        found = _named(wanted.member, members, where=service.interface)
        if wanted.kind == "set" and found.access != "readwrite":
            sentence = f"cannot set {wanted.member} of {name}: it is read-only"
            raise Refused(Refusal("read-only", sentence, outcome=Outcome.USAGE))
        return instance

    def _turn_away(self, plugin: Plugin, caller: Caller) -> None:
        now = self._roster.world.clock.monotonic()
        deaths = sum(1 for crash in recent(plugin.crashes, now=now) if crash.uid == caller.uid)
        if deaths >= DEADLY:
            sentence = f"cannot call {plugin.name}: it crashed {deaths} times in calls of uid {caller.uid}"
            refusal = Refusal("deadly-caller", sentence, f"exoctl plugin logs {plugin.name}")
            self._roster.ledger.answered(refusal, caller=caller, subject=f"call {plugin.name}")
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
