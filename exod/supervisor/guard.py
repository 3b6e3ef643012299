"""When an instance ends unasked: its plugin goes to `error` with the reason, what it left is cleared away, and a
critical plugin is started again after a while, or told to be in a crash loop.
"""

from collections.abc import Callable

from exod.errors import Outcome, Refusal
from exod.supervisor import restart
from exod.supervisor.instance import Instance, describe
from exod.supervisor.lifecycle import State
from exod.supervisor.plugin import Crash, Plugin
from exod.supervisor.ports import Exit, Verdict
from exod.supervisor.roster import Roster
from exod.supervisor.tasks import Tasks

Again = Callable[[str], None]
"""Asks for a RESTART job of a plugin."""


class Guard:
    def __init__(self, roster: Roster, *, tasks: Tasks, again: Again) -> None:
        self._roster = roster
        self._tasks = tasks
        self._again = again
        self.missed: dict[int, Exit] = {}
        """Exits of instances that nobody has taken over yet."""

    def exited(self, end: Exit) -> None:
        """From the sandbox, once for each instance; in the loop."""
        instance = self._roster.instances.get(end.instance)
        if instance is None:
            self.missed[end.instance] = end
        if instance is None or instance.exit is not None:
            return
        how = {"cause": end.cause, "status": end.status, "expected": instance.ending}
        self._roster.ledger.note("exit", "keeper", plugin=instance.plugin, instance=end.instance, **how)
        self._over(instance, end, _fault(instance, end), crash=True)

    def broken(self, instance: Instance, refusal: Refusal, *, crash: bool = True, again: bool = False) -> None:
        """Its process may still live, but not for long. What a decision ends, such as a revocation, is no crash;
        `again`: it is started anew, after a crash with the back-off of a critical one, else at once.
        """
        if not instance.ending and instance.exit is None:
            self._over(instance, Exit(instance.id, "ended", 0), refusal, crash=crash, again=again)

    def lost(self, instance: Instance) -> None:
        """The keeper is gone, and all instances with it."""
        sentence = f"cannot keep {instance.plugin} running: the keeper of its process was lost"
        refusal = Refusal("keeper-lost", sentence, "exoctl daemon status", outcome=Outcome.FAILED)
        self.broken(instance, refusal, crash=False)

    def _over(self, instance: Instance, end: Exit, fault: Refusal, *, crash: bool, again: bool = False) -> None:
        instance.exit = end
        if "limit" in fault.evidence:
            instance.overdrawn = fault
        instance.hang_up()
        self._roster.desk.gone(instance)
        if not instance.ending:
            self._tasks.spawn(self._bury(instance, fault, crash=crash, again=again), name=f"bury {instance.id}")

    async def _bury(self, instance: Instance, fault: Refusal, *, crash: bool, again: bool) -> None:
        """In the plugin's turn: a job that was under way has seen the end by itself and undone what it did."""
        async with self._roster.lock(instance.plugin):
            plugin = self._roster.plugins.get(instance.plugin)
            if plugin is None or plugin.instance is not instance or instance.ending:
                return
            instance.ending = True
            self._roster.world.face.withdraw(plugin.name)
            plugin.loaded_at = 0.0
            self._roster.ledger.fault(plugin.name, fault)
            self._roster.fail(plugin, fault)
            if not await self._roster.clear(instance.id):
                self._roster.forget(instance.id)
            if crash:
                self._judge(plugin, uid=instance.serving, again=again)
            elif again:
                self._again(plugin.name)

    def _judge(self, plugin: Plugin, *, uid: int | None, again: bool) -> None:
        clock, chance = self._roster.world.clock, self._roster.world.chance
        now = clock.monotonic()
        plugin.crashes = (*restart.recent(plugin.crashes, now=now), Crash(now, uid))
        if not (plugin.critical or again) or plugin.record.desired == "unloaded":
            return
        verdict = restart.decide(plugin.name, plugin.crashes, now=now, chance=chance.uniform(-1, 1))
        if isinstance(verdict, Refusal):
            self._roster.ledger.fault(plugin.name, verdict)
            self._roster.fail(plugin, verdict)
            return
        self._roster.ledger.note("restart", plugin=plugin.name, attempt=verdict.attempt, delay=f"{verdict.delay:.3f}")
        self._tasks.spawn(self._later(plugin, verdict.delay), name=f"restart {plugin.name}")

    async def _later(self, plugin: Plugin, delay: float) -> None:
        await self._roster.world.clock.sleep(delay)
        if self._roster.plugins.get(plugin.name) is plugin and plugin.state is State.ERROR:
            plugin.restarts += 1
            self._again(plugin.name)


def _fault(instance: Instance, end: Exit) -> Refusal:
    if end.cause == "oom":
        most = instance.confinement.limits.memory
        return Verdict("memory", most, most).refusal(instance.plugin, cause=end.cause, instance=str(instance.id))
    evidence = {"cause": end.cause, "status": str(end.status), "instance": str(instance.id)}
    sentence = f"cannot keep {instance.plugin} running: {describe(end)}"
    return Refusal("instance-ended", sentence, f"exoctl plugin logs {instance.plugin}", evidence, Outcome.FAILED)
