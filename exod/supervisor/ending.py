"""The daemon's clean end: every plugin is asked to stop, all at once, and every instance ends whatever it answers."""

import asyncio
import contextlib

from exod.errors import Refused
from exod.supervisor.instance import Instance
from exod.supervisor.lifecycle import State
from exod.supervisor.roster import Roster


async def end_all(roster: Roster, *, deadline: float) -> None:
    """`deadline` seconds for all hooks together."""
    living = tuple(roster.instances.values())
    for instance in living:
        # First: whoever comes after an exod that was killed from here on must not take a plugin that was told to stop
        # for one that runs.
        with contextlib.suppress(OSError, Refused):
            await roster.world.registry.drop_instance(instance.id)
    await asyncio.gather(*(_ask(roster, instance, deadline) for instance in living))
    for instance in living:
        await _end(roster, instance)


async def _ask(roster: Roster, instance: Instance, deadline: float) -> None:
    if roster.plugins[instance.plugin].state is not State.RUNNING:
        return
    with contextlib.suppress(Refused, OSError, TimeoutError):  # it is ended next
        async with asyncio.timeout(deadline):
            await instance.line().hook("stop", {}, deadline=deadline)


async def _end(roster: Roster, instance: Instance) -> None:
    instance.dismiss()
    roster.world.face.withdraw(instance.plugin)
    plugin = roster.plugins.get(instance.plugin)
    if not await roster.clear(instance.id) or plugin is None or plugin.state is State.UNLOADED:
        return
    if plugin.state is State.LOADING:
        roster.move(plugin, State.ERROR)
    if plugin.state is not State.UNLOADING:
        roster.move(plugin, State.UNLOADING)
    roster.move(plugin, State.UNLOADED)
