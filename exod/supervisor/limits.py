"""What instances use, against what they were granted: who is watched, and what becomes of a verdict.

Warnings and verdicts are told to the auditors. Whoever went over is ended with the reason, as by a crash of its own:
whatever follows a crash follows, and by policy it is started again although it is not critical.
"""

from collections.abc import Iterator

from exod.plan.policy import Policy
from exod.supervisor.guard import Guard
from exod.supervisor.instance import Instance
from exod.supervisor.ports import Subject, Verdict
from exod.supervisor.roster import Roster


class Limits:
    def __init__(self, roster: Roster, guard: Guard) -> None:
        self._roster = roster
        self._guard = guard

    async def watch(self) -> None:
        await self._roster.world.resources.watch(self.living, self._told)

    def subject(self, instance: Instance) -> Subject:
        plugin = self._roster.plugins[instance.plugin]
        on_limit = self._roster.inputs.policies.get(plugin.name, Policy()).on_limit
        names, most = (instance.id, plugin.name, instance.record.pid), instance.confinement.limits
        return Subject(*names, most, on_limit=on_limit, state=plugin.state.word, restarts=plugin.restarts)

    def living(self) -> Iterator[Subject]:
        """Those with a process that nobody is ending."""
        for instance in tuple(self._roster.instances.values()):
            if instance.record.pid and instance.exit is None and not instance.ending:
                yield self.subject(instance)

    def _told(self, number: int, verdict: Verdict) -> None:
        instance = self._roster.instances.get(number)
        if instance is None or instance.ending or instance.exit is not None:
            return  # it ended while it was looked at
        fields = verdict.fields()
        self._roster.ledger.note("limit", plugin=instance.plugin, instance=number, ends=verdict.ends, **fields)
        if verdict.ends:
            again = self.subject(instance).on_limit == "restart"
            self._guard.broken(instance, verdict.refusal(instance.plugin, instance=str(number)), again=again)
