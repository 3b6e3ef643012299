"""What the keeper still holds and what the registry knows → instances taken over as they run; the rest is ended.

Taken over is only what provably was let go (number, nonce, process, cgroup and package as recorded), what today's trust
would let go again, and what no unfinished job was still bringing up. The instance notices nothing: an epoch on its
channel tells what it says to us from what it said to the exod that is gone.
"""

import asyncio
import hmac
from collections.abc import Collection, Iterable, Sequence

from exod.errors import Outcome, Refusal, Refused
from exod.plan.confine import taken
from exod.plan.steps import StepKind
from exod.supervisor.ears import Ears
from exod.supervisor.guard import Guard
from exod.supervisor.instance import Instance
from exod.supervisor.jobs import Job
from exod.supervisor.lifecycle import State, resting
from exod.supervisor.planner import Planner
from exod.supervisor.ports import InstanceRecord, Launch, Survivor
from exod.supervisor.roster import Roster
from exod.supervisor.rows import permissions
from exod.supervisor.tasks import Tasks


class Adoption:
    def __init__(self, roster: Roster, planner: Planner, guard: Guard, *, tasks: Tasks) -> None:
        self._tasks = tasks
        self._roster = roster
        self._planner = planner
        self._guard = guard

    async def run(
        self, survivors: Iterable[Survivor], records: Iterable[InstanceRecord] = (), *, unfinished: Sequence[Job] = ()
    ) -> None:
        """`unfinished`: jobs whose end an earlier exod did not see. Those that moved a plugin left it in a state that
        only the plugin knows; it is asked.
        """
        held, known = {one.instance: one for one in survivors}, {one.id: one for one in records}
        born = unborn(unfinished)
        moved = {job.plugin for job in unfinished}
        for number in sorted({*held, *known}):
            try:
                instance = await self._take(held.get(number), known.get(number), unborn=born)
            except (Refused, OSError) as error:
                await self._end(number, known.get(number), why=str(error))
                continue
            try:
                await self._go_on(instance, asked=instance.plugin in moved)
            except (Refused, OSError, TimeoutError) as error:
                self._guard.broken(instance, _refuse(instance.record, str(error)), crash=False)
        self._guard.missed.clear()

    async def _take(
        self, survivor: Survivor | None, record: InstanceRecord | None, *, unborn: Collection[int]
    ) -> Instance:
        """From here on it is an instance like any other. Raises Refused, and OSError when the store cannot be read."""
        reason = difference(survivor, record, unborn=unborn)
        plugin = self._roster.plugins.get(record.plugin) if record is not None else None
        if plugin is not None and not reason and (plugin.instance or not resting(plugin.record.desired)):
            reason = "nobody wants it"
        if record is None or survivor is None or plugin is None or reason:
            raise Refused(_refuse(record, reason or "its plugin is not installed"))
        judged = await self._planner.judge_stored(plugin, record.version)
        if (judged.verdict.digest, judged.verdict.level) != (record.digest, plugin.versions[record.version].level):
            raise Refused(_refuse(record, "its package was installed anew, or its signer has another level"))
        confinement = self._planner.confine(judged, values=plugin.record.config)
        held = permissions(record.granted) if record.granted else judged.manifest.permissions.asked()
        if taken(held, confinement.permissions) or taken(confinement.permissions, held):
            raise Refused(_refuse(record, "today it would have other permissions"))
        launch = Launch(record.id, record.nonce, record.uid, confinement, judged.tree)
        born = self._roster.world.sandbox.adopt(launch)
        instance = Instance(record, launch, born=record.born)
        instance.listener = Ears(self._roster, instance, broken=self._guard.broken)
        instance.channel = self._roster.world.open_channel(born.end, instance.listener)
        instance.channel.adopt(confinement, epoch=survivor.epoch)
        self._roster.take_over(instance, State[plugin.record.desired.upper()])
        self._roster.learn(judged.manifest)
        return instance

    async def _go_on(self, instance: Instance, *, asked: bool) -> None:
        """What is suspended stays frozen, and hears of us when it wakes."""
        sandbox, plugin = self._roster.world.sandbox, self._roster.plugins[instance.plugin]
        frozen, state = sandbox.frozen(instance.id), plugin.state.word
        if frozen:
            instance.line().pause()
            state = "suspended"
        elif asked:
            async with asyncio.timeout(self._roster.settings.start_seconds):
                state = await instance.line().passed()
        else:
            self._tasks.spawn(self._compare(instance, state), name=f"compare {instance.id}")
        rests = resting(state)
        if rests is None:
            raise Refused(_refuse(instance.record, "it was never let go"))
        if rests is State.SUSPENDED and not frozen:
            instance.line().pause()
            await sandbox.freeze(instance.id, frozen=True)
        instance.untold = rests is State.SUSPENDED
        instance.walls = await sandbox.inspect(instance.id)
        self._roster.move(plugin, rests)
        if instance.confinement.services:
            self._roster.world.face.offer(instance.plugin, instance.confinement.services)

    async def _compare(self, instance: Instance, state: str) -> None:
        """One that an earlier exod was about to end may be elsewhere than it is recorded. Nobody waits for that."""
        try:
            found = await instance.line().passed()
        except Refused:
            return  # its end or its pings are told otherwise
        if found != state:
            self._guard.broken(instance, _refuse(instance.record, f"it is {found}, not {state}"), crash=False)

    async def _end(self, number: int, record: InstanceRecord | None, *, why: str) -> None:
        exit_ = self._guard.missed.get(number)
        how = {"cause": exit_.cause, "status": exit_.status} if exit_ is not None else {}
        plugin = record.plugin if record is not None else ""
        self._roster.ledger.note("adopt", plugin=plugin, instance=number, refused=why, **how)
        await self._roster.clear(number)


def unborn(unfinished: Iterable[Job]) -> set[int]:
    """Instances that exod died over bringing up: their jobs are undone, and they with them."""
    back = [job for job in unfinished if not job.plan.passed]
    begun = [step for job in back for step in job.plan.steps if step.kind is StepKind.RESERVE_INSTANCE]
    return {step.number("instance") for step in begun}


def difference(survivor: Survivor | None, record: InstanceRecord | None, *, unborn: Collection[int]) -> str:
    """Why what the keeper holds is not what the registry says was let go; "" when it is. Pure."""
    if record is None:
        return "the registry does not know it"
    if survivor is None:
        return "it ended while exod was away"
    if record.id in unborn:
        return "it was still being brought up"
    if not hmac.compare_digest(survivor.nonce, record.nonce):
        return "it has another nonce"
    if (survivor.pid, survivor.cgroup) != (record.pid, record.cgroup):
        return "it is another process, or in another cgroup"
    return ""


def _refuse(record: InstanceRecord | None, reason: str) -> Refusal:
    what = f"cannot keep {record.plugin} running" if record is not None else "cannot take an instance over"
    return Refusal("not-adopted", f"{what}: {reason}", outcome=Outcome.FAILED)
