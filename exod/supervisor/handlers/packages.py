"""Steps on what is stored and recorded: package, owner, registry rows, data."""

from exod.plan.steps import Step
from exod.supervisor.handlers.hands import Hands
from exod.supervisor.rows import plugin_row, version_row, version_rows


async def store_package(hands: Hands, step: Step) -> None:
    plugin, version = step.text("plugin"), step.text("version")
    if step.data["replaces"]:
        await hands.world.packages.drop(plugin, version)
        hands.midway(step.kind)
    await hands.world.packages.put(plugin, version, hands.needed().judged.data)


async def unstore_package(hands: Hands, step: Step) -> None:
    plugin, version = step.text("plugin"), step.text("version")
    if step.data["replaces"]:
        await hands.world.packages.restore(plugin, version)
    elif not step.data["had"]:
        await hands.world.packages.drop(plugin, version)
        hands.midway(f"undo-{step.kind}")
        await hands.world.packages.discard(plugin, version)


async def pin_owner(hands: Hands, step: Step) -> None:
    judged = hands.needed().judged
    now = max(int(hands.world.clock.time()), judged.clock)
    owner, mark = step.text("owner"), step.text("mark")
    await hands.roster.own(step.text("plugin"), owner=owner, mark=mark, now=now, reason="pin")


async def unpin_owner(hands: Hands, step: Step) -> None:
    owner, mark = step.text("old_owner"), step.text("old_mark")
    kept = {step.text("owner"): step.text("kept")}
    await hands.roster.own(step.text("plugin"), owner=owner, mark=mark, now=0, reason="unpin", kept=kept)


async def register(hands: Hands, step: Step) -> None:
    await hands.roster.put_plugin(plugin_row(step.text("plugin_row")))
    hands.midway(step.kind)
    await hands.roster.put_version(version_row(step.text("row")))
    if hands.prepared.material is not None:
        hands.roster.learn(hands.prepared.material.judged.manifest)


async def undo_register(hands: Hands, step: Step) -> None:
    plugin, version = step.text("plugin"), step.text("version")
    if step.data["old_row"]:
        await hands.roster.put_version(version_row(step.text("old_row")))
    else:
        await hands.roster.drop_version(plugin, version)
    hands.midway(f"undo-{step.kind}")
    if step.data["old_plugin_row"]:
        await hands.roster.put_plugin(plugin_row(step.text("old_plugin_row")))
    else:
        await hands.roster.drop_plugin(plugin)


async def unregister(hands: Hands, step: Step) -> None:
    plugin = step.text("plugin")
    for row in version_rows(step.text("old_rows")):
        await hands.roster.drop_version(plugin, row.version)
        hands.midway(step.kind)
    await hands.roster.drop_plugin(plugin)


async def undo_unregister(hands: Hands, step: Step) -> None:
    await hands.roster.put_plugin(plugin_row(step.text("old_plugin_row")))
    hands.midway(f"undo-{step.kind}")
    for row in version_rows(step.text("old_rows")):
        await hands.roster.put_version(row)


async def drop_package(hands: Hands, step: Step) -> None:
    await hands.world.packages.drop(step.text("plugin"), step.text("version"))


async def undrop_package(hands: Hands, step: Step) -> None:
    await hands.world.packages.restore(step.text("plugin"), step.text("version"))


async def make_data(hands: Hands, step: Step) -> None:
    await hands.world.data.make(step.text("plugin"))


async def unmake_data(hands: Hands, step: Step) -> None:
    """Data that was there before is left alone; what was moved aside comes back by the undo of its own step."""
    if not step.data["had"] and not step.data["aside"]:
        await hands.world.data.drop(step.text("plugin"))
        hands.midway(f"undo-{step.kind}")
        await hands.world.data.discard(step.text("plugin"))


async def drop_data(hands: Hands, step: Step) -> None:
    await hands.world.data.drop(step.text("plugin"))


async def undrop_data(hands: Hands, step: Step) -> None:
    await hands.world.data.restore(step.text("plugin"))


async def discard(hands: Hands, step: Step) -> None:
    plugin = step.text("plugin")
    for version in filter(None, step.text("versions").split(",")):
        await hands.world.packages.discard(plugin, version)
        hands.midway(step.kind)
    if step.data["data"]:
        await hands.world.data.discard(plugin)
