"""Steps on what a plugin is to be: its desired state, whether that survives restarts, its configuration."""

import json
from collections.abc import Mapping
from functools import partial

from exod.errors import Refusal
from exod.package import options
from exod.package.options import Value
from exod.plan.steps import Step
from exod.supervisor.handlers.hands import Hands, asking
from exod.supervisor.lifecycle import State
from exod.supervisor.rows import plugin_row


async def set_desired(hands: Hands, step: Step) -> None:
    await hands.roster.rewrite(step.text("plugin"), desired=step.text("desired"), enabled=bool(step.data["enabled"]))


async def unset_desired(hands: Hands, step: Step) -> None:
    if hands.plugin(step) is not None:
        old = plugin_row(step.text("old_row"))
        await hands.roster.rewrite(step.text("plugin"), desired=old.desired, enabled=old.enabled)


async def set_config(hands: Hands, step: Step) -> None:
    """The plugin is asked before anything is recorded: what it does not accept never survives it."""
    if hands.instance(step) is not None:
        await _apply(hands, step, values=hands.needed_config())
    hands.midway(step.kind)
    await hands.roster.rewrite(step.text("plugin"), config=json.loads(step.text("values")))
    hands.roster.ledger.note("config", plugin=step.text("plugin"), keys=step.text("keys"))  # values may be secrets


async def unset_config(hands: Hands, step: Step) -> None:
    if hands.plugin(step) is None:
        return
    await hands.roster.rewrite(step.text("plugin"), config=json.loads(step.text("old_values")))
    hands.midway(f"undo-{step.kind}")
    instance = hands.instance(step)
    taken, old = hands.prepared.config, hands.prepared.old_config
    if instance is not None and hands.settling:
        old = _complete(hands, step)  # whether it was told of the new ones, nobody knows
    if instance is not None and old is not None and (hands.settling or instance.confinement.config == taken):
        await asking(partial(_apply, values=old))(hands, step)


def _complete(hands: Hands, step: Step) -> Mapping[str, Value] | None:
    """The old values with the defaults of whatever was never set."""
    plugin = hands.plugin(step)
    if plugin is None or plugin.manifest is None:
        return None
    old = options.check(plugin.manifest.config, json.loads(step.text("old_values")))
    return None if isinstance(old, Refusal) else old


async def _apply(hands: Hands, step: Step, *, values: Mapping[str, Value]) -> None:
    """A suspended plugin answers nothing: it is told when it wakes."""
    instance = hands.live(step)
    if hands.roster.plugins[instance.plugin].state is State.SUSPENDED:
        instance.untold = True
    else:
        await instance.line().hook("configure", {"values": dict(values)}, deadline=hands.settings.start_seconds)
    instance.change(config=values)
