"""Trust read anew, and everything that runs judged by it: whoever no longer stands is ended, with the reason; whoever
holds more than it would get today loses that.

Also by the passing of time alone: an expired signer or package is found within the hour.
"""

import contextlib
from collections.abc import Mapping
from dataclasses import replace

from exod.errors import Outcome, Refusal, Refused
from exod.plan.confine import SERVED, Confinement, taken
from exod.supervisor.guard import Guard
from exod.supervisor.instance import Instance
from exod.supervisor.planner import Planner
from exod.supervisor.ports import Caller, TrustInputs
from exod.supervisor.roster import Roster
from exod.trust.state import TrustState


class Reload:
    def __init__(self, roster: Roster, planner: Planner, guard: Guard) -> None:
        self._roster = roster
        self._planner = planner
        self._guard = guard
        self._revoked: dict[str, str] = {}

    def degraded(self) -> Mapping[str, str]:
        """Files of trust that were refused, a lost trust state, plugins that run on although their signer is out."""
        found = {f"trust-{number}": one.sentence for number, one in enumerate(self._roster.inputs.problems, 1)}
        if isinstance(self._roster.trust, Refusal):
            found["trust"] = f"every load is refused: {self._roster.trust.sentence}"
        return found | {f"revoked-{plugin}": reason for plugin, reason in self._revoked.items()}

    async def run(self) -> list[str]:
        """One sentence per change."""
        before = self._roster.inputs
        await self.read()
        changes = _changes(before, self._roster.inputs)
        said = "; ".join(changes)
        self._roster.ledger.note("trust", change="reload", generation=self._roster.generation, changes=said)
        return changes + await self.judge_all()

    async def read(self) -> None:
        """What the files say today. A revocation list that was accepted is remembered: an older one no longer is."""
        state = self._roster.trust
        known = TrustState() if isinstance(state, Refusal) else state
        self._roster.inputs = await self._roster.world.trust_source.read(state=known)
        await self._roster.saw_lists(self._roster.inputs.sequences)

    async def judge_all(self) -> list[str]:
        """Every instance against today's trust; its bytes are read from the store again."""
        self._revoked = {}
        said = [await self._judge(instance) for instance in tuple(self._roster.instances.values())]
        return [one for one in said if one]

    async def housekeep(self, *, before: float) -> None:
        """Jobs older than `before` are forgotten; a disk that is full now is tried again in an hour."""
        with contextlib.suppress(OSError, Refused):
            await self._roster.world.registry.prune_jobs(before=before)
        if self._roster.instances:
            await self.judge_all()

    async def recover(self, caller: Caller) -> None:
        """Raises Refused when nothing is lost. The registry says who signed what is installed: they own it anew."""
        if isinstance(self._roster.trust, TrustState):
            sentence = "cannot recover trust: the trust state is sound"
            raise Refused(Refusal("trust-sound", sentence, "exoctl daemon status", outcome=Outcome.FAILED))
        plugins = self._roster.plugins.values()
        signers = {one.name: one.versions[one.record.version].signer for one in plugins if one.versions}
        marks = {one.name: one.newest() for one in plugins if one.versions}
        now, generation = int(self._roster.world.clock.time()), self._roster.generation + 1
        await self._roster.save_trust(TrustState(signers, marks, now, generation))
        self._roster.ledger.note("trust", change="recover", generation=generation, caller=caller.name)

    async def _judge(self, instance: Instance) -> str:
        """What was done about it; "" when it stands."""
        plugin = self._roster.plugins.get(instance.plugin)
        if plugin is None or instance.ending or instance.version not in plugin.versions:
            return ""
        try:
            judged = await self._planner.judge_stored(plugin, instance.version)
            today = self._planner.confine(judged, values=plugin.record.config)
        except Refused as refused:
            gone = instance.version not in plugin.versions  # its load was undone meanwhile, and it with it
            return "" if gone else self._answer(instance, refused.refusal)
        except OSError:
            return ""  # a disk that cannot be read now says nothing about a signer
        return self._take_back(instance, today)

    def _take_back(self, instance: Instance, today: Confinement) -> str:
        """What it holds beyond today's Confinement. What exod serves ends with the next use; what the kernel has
        given (open files, mappings) ends with the process, which is started again without it.
        """
        held = instance.confinement
        if today.services != held.services:
            instance.change(services=today.services)
            self._roster.world.face.withdraw(instance.plugin)
            self._roster.world.face.offer(instance.plugin, today.services)
            self._roster.desk.changed(instance)
        gone = taken(held.permissions, today.permissions)
        if not gone:
            return ""
        named = ", ".join(f"{name} {' '.join(entries)}" for name, entries in gone.items())
        self._roster.ledger.note("revoke", plugin=instance.plugin, instance=instance.id, permissions=named)
        if gone.keys() <= SERVED:
            instance.change(permissions=taken(held.permissions, gone))
            return f"{instance.plugin} no longer has {named}"
        sentence = f"cannot keep {instance.plugin} running: {named} was taken back"
        refusal = Refusal("permission-revoked", sentence, f"exoctl plugin info {instance.plugin}")
        self._guard.broken(instance, refusal, crash=False, again=True)
        return f"{instance.plugin} is started again without {named}"

    def _answer(self, instance: Instance, refusal: Refusal) -> str:
        policy = self._planner.policy(instance.plugin)
        reason = refusal.sentence.partition(": ")[2]
        # What a level may no longer have is taken back: to go on would be to keep it.
        if policy.critical and not policy.stop_revoked and refusal.code != "above-level":
            self._revoked[instance.plugin] = f"{instance.plugin} runs on until it is replaced: {reason}"
            return self._revoked[instance.plugin]
        sentence = f"cannot keep {instance.plugin} running: {reason}"
        self._guard.broken(instance, replace(refusal, sentence=sentence), crash=False)
        return f"{instance.plugin} is stopped: {reason}"


def _changes(old: TrustInputs, new: TrustInputs) -> list[str]:
    sentences = []
    gone = sum(one not in new.anchors for one in old.anchors)
    come = sum(one not in old.anchors for one in new.anchors)
    if gone or come:
        sentences.append(f"anchors: {come} new, {gone} gone, {len(new.anchors)} in force")
    if old.revocations != new.revocations:
        sentences.append("revocations: changed")
    if old.levels != new.levels:
        sentences.append("trust levels: changed")
    names = {name for name in {*old.policies, *new.policies} if old.policies.get(name) != new.policies.get(name)}
    if names:
        sentences.append(f"policies: changed for {', '.join(sorted(names))}")
    return sentences + [problem.sentence for problem in new.problems]
