"""The start after whatever ended the last one: unfinished jobs are settled, desired state is restored.

One plugin that cannot be restored never keeps another from it.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Sequence

from exod.errors import Refusal, Refused
from exod.supervisor.jobs import Job
from exod.supervisor.journal import unfinished
from exod.supervisor.planner import Planner
from exod.supervisor.plugin import Plugin
from exod.supervisor.ports import Caller, Exit, JobRecord, Survivor
from exod.supervisor.requests import Request, Verb
from exod.supervisor.roster import Roster
from exod.supervisor.works import Works

ITSELF = Caller("exod", 0)
PHASES = ("critical", "normal", "deferred")
"""exod is ready when the first is over."""
FIRST_WAIT, LAST_WAIT = 0.1, 10.0


class Recovery:
    def __init__(self, roster: Roster, works: Works, planner: Planner) -> None:
        self._roster = roster
        self._works = works
        self._planner = planner

    async def attach(self, *, on_exit: Callable[[Exit], None], on_lost: Callable[[], None]) -> Sequence[Survivor]:
        """Takes the lease of a keeper that may not be there yet: tried for ever, ever more slowly."""
        delay = FIRST_WAIT
        while True:
            try:
                return await self._roster.world.sandbox.attach(on_exit=on_exit, on_lost=on_lost)
            except (OSError, Refused):
                await self._roster.world.clock.sleep(delay)
                delay = min(delay * 2, LAST_WAIT)

    async def buried(self) -> None:
        """Waits until each plugin whose instance was lost has had its turn to be cleared away."""
        for name in tuple(self._roster.plugins):
            async with self._roster.lock(name):
                pass

    def unfinished(self, jobs: Iterable[JobRecord]) -> list[Job]:
        """Newest first."""
        found = []
        for record in sorted(jobs, key=lambda one: one.id, reverse=True):
            job = unfinished(record)
            if isinstance(job, Refusal):
                self._roster.ledger.fault(record.plugin, job)
            elif job is not None:
                found.append(job)
        return found

    async def settle(self, jobs: Iterable[Job]) -> None:
        """What cannot be settled now is tried again before anything else happens to its plugin."""
        for job in jobs:
            async with self._roster.lock(job.plugin):
                await self._works.settle(job)

    async def learn(self) -> None:
        """Reads what the stored packages say of themselves: lists, dependencies and configuration need it."""
        for plugin in tuple(self._roster.plugins.values()):
            for version in [one for one in plugin.versions if one not in plugin.manifests]:
                with contextlib.suppress(Refused, OSError):  # whoever wants to load it is told
                    self._roster.learn(await self._planner.read_manifest(plugin, version))

    async def restore(self, *, reached: Callable[[str], None] = lambda _: None) -> None:
        """Every enabled plugin to its desired state: one phase after the other; in each, dependencies first, else side
        by side. What a plugin depends on belongs to its phase. `reached` is told of each phase that is over.
        """
        for phase in PHASES:
            wanted = {
                plugin.name: plugin
                for plugin in self._roster.plugins.values()
                if plugin.record.enabled and plugin.record.desired != "unloaded" and not plugin.alive
            }
            before = {name: _before(plugin, wanted) for name, plugin in wanted.items() if self._phase(name) == phase}
            before |= {name: _before(wanted[name], wanted) for needed in tuple(before.values()) for name in needed}
            over = {name: asyncio.Event() for name in before}
            async with asyncio.TaskGroup() as group:
                for name in before:
                    group.create_task(self._restore(name, before[name], over), name=f"restore {name}")
            reached(phase)

    def _phase(self, plugin: str) -> str:
        policy = self._planner.policy(plugin)
        return "critical" if policy.critical else "deferred" if policy.deferred else "normal"

    async def _restore(self, name: str, before: frozenset[str], over: dict[str, asyncio.Event]) -> None:
        try:
            for dependency in sorted(before):
                await over[dependency].wait()
            plugin = self._roster.plugins.get(name)
            if plugin is not None and not plugin.alive:
                await self._works.run(Request(Verb.RESTORE, ITSELF, name))
        finally:
            over[name].set()


def _before(plugin: Plugin, wanted: dict[str, Plugin]) -> frozenset[str]:
    """What is to be restored before `plugin`; nothing for one in a circle, which its own job refuses by name."""
    seen: set[str] = set()
    todo = [plugin]
    while todo:
        manifest = todo.pop().manifest
        for one in manifest.dependencies if manifest is not None else ():
            if one.name in wanted and one.name not in seen:
                seen.add(one.name)
                todo.append(wanted[one.name])
    return frozenset() if plugin.name in seen else frozenset(seen)
