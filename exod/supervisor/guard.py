"""When an instance ends unasked: its plugin goes to `error` with the reason, what it left is cleared away, and a
critical plugin is started again after a while, or told to be in a crash loop.
"""

from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from exod.errors import Outcome, Refusal, Refused
from exod.supervisor import restart
from exod.supervisor.executor import TRIES
from exod.supervisor.instance import Instance, describe
from exod.supervisor.lifecycle import State
from exod.supervisor.plugin import Crash, Plugin
from exod.supervisor.ports import Exit
from exod.supervisor.roster import Roster

Again = Callable[[str], None]
"""Asks for a RESTART job of a plugin."""


class Spawn(Protocol):
    def __call__(self, work: Coroutine[Any, Any, None], *, name: str) -> None: ...


class Guard:
    def __init__(self, roster: Roster, *, spawn: Spawn, again: Again) -> None:
        self._roster = roster
        self._spawn = spawn
        self._again = again

    def exited(self, end: Exit) -> None:
        """From the sandbox, once for each instance; in the loop."""
        instance = self._roster.instances.get(end.instance)
        if instance is None or instance.exit is not None:
            return
        cause, status = end.cause, end.status
        self._roster.ledger.exit(
            instance.plugin, instance=end.instance, cause=cause, status=status, expected=instance.ending
        )
        instance.exit = end
        instance.hang_up()
        if not instance.ending:
            self._bury(instance, _fault(instance, end), counts=True)

    def broken(self, instance: Instance, refusal: Refusal) -> None:
        """Its process may still live, but not for long."""
        if instance.ending or instance.exit is not None:
            return
        instance.exit = Exit(instance.id, "ended", 0)
        instance.hang_up()
        self._bury(instance, refusal, counts=True)

    def evict(self, instance: Instance, refusal: Refusal) -> None:
        """Ended by a decision about it, such as a revoked signer: no crash, and no restart."""
        if instance.ending or instance.exit is not None:
            return
        instance.exit = Exit(instance.id, "ended", 0)
        instance.hang_up()
        self._bury(instance, refusal, counts=False)

    def lost(self, instance: Instance) -> None:
        """The keeper is gone, and all instances with it."""
        sentence = f"cannot keep {instance.plugin} running: the keeper of its process was lost"
        self.evict(instance, Refusal("keeper-lost", sentence, "exoctl daemon status", outcome=Outcome.FAILED))

    def _bury(self, instance: Instance, fault: Refusal, *, counts: bool) -> None:
        self._spawn(self.bury(instance, fault, counts=counts), name=f"bury {instance.id}")

    async def bury(self, instance: Instance, fault: Refusal, *, counts: bool) -> None:
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
            await self._clear(instance)
            if counts:
                self._judge(plugin, uid=instance.serving)

    async def _clear(self, instance: Instance) -> None:
        """What cannot be cleared now is cleared at the next start: its row says that it was there."""
        for _ in range(TRIES):
            try:
                await self._roster.world.sandbox.discard(instance.id)
                await self._roster.drop_instance(instance.id)
            except (OSError, Refused):
                continue
            return
        self._roster.forget(instance.id)

    def _judge(self, plugin: Plugin, *, uid: int | None) -> None:
        clock, chance = self._roster.world.clock, self._roster.world.chance
        now = clock.monotonic()
        plugin.crashes = (*restart.recent(plugin.crashes, now=now), Crash(now, uid))
        if not plugin.critical or plugin.record.desired == "unloaded":
            return
        verdict = restart.decide(plugin.name, plugin.crashes, now=now, chance=chance.uniform(-1, 1))
        if isinstance(verdict, Refusal):
            self._roster.ledger.fault(plugin.name, verdict)
            self._roster.fail(plugin, verdict)
            return
        self._roster.ledger.restart(plugin.name, attempt=verdict.attempt, delay=verdict.delay)
        self._spawn(self._later(plugin, verdict.delay), name=f"restart {plugin.name}")

    async def _later(self, plugin: Plugin, delay: float) -> None:
        await self._roster.world.clock.sleep(delay)
        if self._roster.plugins.get(plugin.name) is plugin and plugin.state is State.ERROR:
            plugin.restarts += 1
            self._again(plugin.name)


def _fault(instance: Instance, end: Exit) -> Refusal:
    evidence = {"cause": end.cause, "status": str(end.status), "instance": str(instance.id)}
    sentence = f"cannot keep {instance.plugin} running: {describe(end)}"
    return Refusal("instance-ended", sentence, f"exoctl plugin logs {instance.plugin}", evidence, Outcome.FAILED)
