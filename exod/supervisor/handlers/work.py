"""Steps that move a loaded plugin between loaded, running and suspended, and show or hide its services.

An undo asks the plugin to go back, once; after a restart of exod there is nobody to ask, and nothing to undo.
"""

from exod.errors import Refused
from exod.plan.steps import Step
from exod.supervisor.handlers.hands import Hands, asking
from exod.supervisor.instance import Instance
from exod.supervisor.lifecycle import State


async def offer_services(hands: Hands, step: Step) -> None:
    instance = hands.live(step)
    instance.line()
    if instance.confinement.services:
        hands.world.face.offer(instance.plugin, instance.confinement.services)


async def withdraw_services(hands: Hands, step: Step) -> None:
    hands.world.face.withdraw(step.text("plugin"))


async def reoffer_services(hands: Hands, step: Step) -> None:
    if hands.instance(step) is not None:
        await offer_services(hands, step)


async def start(hands: Hands, step: Step) -> None:
    instance = hands.live(step)
    await instance.line().hook("start", {}, deadline=hands.settings.start_seconds)
    _move(hands, instance, State.RUNNING)


async def stop(hands: Hands, step: Step) -> None:
    """In a plan that ends the instance anyway (`must` false), a plugin that does not stop is noted, not obeyed."""
    instance = hands.live(step)
    try:
        await instance.line().hook("stop", {}, deadline=hands.settings.stop_seconds)
    except Refused as refused:
        if step.data.get("must", True):
            raise
        hands.notes["stop"] = refused.refusal.sentence
    _move(hands, instance, State.LOADED)


async def unstart(hands: Hands, step: Step) -> None:
    """Also when `start` failed half-way: `stop` says to end all work, whatever was begun."""
    if not step.data.get("fresh", False):
        await asking(stop)(hands, step)


async def suspend(hands: Hands, step: Step) -> None:
    """The hook first, then the freeze: a frozen process answers nothing, so deadlines pause."""
    instance = hands.live(step)
    await instance.line().hook("suspend", {}, deadline=hands.settings.stop_seconds)
    instance.line().pause()
    hands.midway(step.kind)
    await hands.world.sandbox.freeze(instance.id, frozen=True)
    _move(hands, instance, State.SUSPENDED)


async def resume(hands: Hands, step: Step) -> None:
    instance = hands.live(step)
    await hands.world.sandbox.freeze(instance.id, frozen=False)
    hands.midway(step.kind)
    instance.line().unpause()
    if instance.untold:
        values = {"values": dict(instance.confinement.config)}
        await instance.line().hook("configure", values, deadline=hands.settings.start_seconds)
        instance.untold = False
    await instance.line().hook("resume", {}, deadline=hands.settings.start_seconds)
    _move(hands, instance, State.RUNNING)


def _move(hands: Hands, instance: Instance, state: State) -> None:
    """A plugin that died meanwhile is in `error`, and stays there."""
    plugin = hands.roster.plugins[instance.plugin]
    if plugin.instance is instance and instance.exit is None:
        plugin.active_at = hands.world.clock.time()
        hands.roster.move(plugin, state)
