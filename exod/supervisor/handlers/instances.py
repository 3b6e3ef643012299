"""Steps on an instance: from a reserved id to plugin code that runs, and to its end."""

from dataclasses import replace

from exod.errors import Outcome, Refusal, Refused
from exod.plan.steps import Step
from exod.supervisor.ears import Ears
from exod.supervisor.handlers.hands import Hands
from exod.supervisor.instance import Instance, check_walls
from exod.supervisor.lifecycle import State
from exod.supervisor.ports import InstanceRecord, Launch
from exod.supervisor.rows import dump_values

NONCE_BYTES = 16


async def reserve_instance(hands: Hands, step: Step) -> None:
    """Recorded before there is a process, so that whatever exists is known."""
    material, world = hands.needed(), hands.world
    number, plugin = step.number("instance"), step.text("plugin")
    nonce, confinement = world.chance.randbytes(NONCE_BYTES), material.confinement
    uid = world.sandbox.next_uid(signer=confinement.signer, level=confinement.level)
    record = InstanceRecord(
        id=number,
        plugin=plugin,
        version=step.text("version"),
        digest=step.text("digest"),
        nonce=nonce,
        uid=uid,
        cgroup=0,
        pid=0,
        born=world.clock.time(),
        granted=dump_values(confinement.permissions),
    )
    await hands.roster.put_instance(record)
    hands.roster.move(hands.roster.plugins[plugin], State.LOADING)
    launch = Launch(number, nonce, uid, confinement, material.judged.tree)
    hands.roster.enter(Instance(record, launch))


async def release_instance(hands: Hands, step: Step) -> None:
    plugin = hands.plugin(step)
    if plugin is not None and (plugin.alive or plugin.state is State.LOADING):
        overdrawn = plugin.instance.overdrawn if plugin.instance is not None else None
        hands.roster.move(plugin, State.ERROR, fault=overdrawn or hands.refusal)
        if hands.refusal is not None and hands.refusal.code == "cancelled":
            # Nothing is wrong with it: somebody changed their mind. The table leads out of `loading` only this way.
            hands.roster.move(plugin, State.UNLOADING)
            hands.roster.move(plugin, State.UNLOADED)
        plugin.loaded_at = 0.0
    await hands.roster.drop_instance(step.number("instance"))


async def prepare_sandbox(hands: Hands, step: Step) -> None:
    await hands.world.sandbox.prepare(hands.live(step).launch)


async def discard_sandbox(hands: Hands, step: Step) -> None:
    instance = hands.instance(step)
    if instance is not None:
        instance.dismiss()
    await hands.world.sandbox.discard(step.number("instance"))


async def spawn(hands: Hands, step: Step) -> None:
    instance = hands.live(step)
    born = await hands.world.sandbox.spawn(instance.launch)
    instance.listener = Ears(hands.roster, instance, broken=hands.broken)
    instance.channel = hands.world.open_channel(born.end, instance.listener)
    hands.midway(step.kind)
    bound = replace(instance.record, pid=born.pid, cgroup=born.cgroup)
    await hands.roster.put_instance(bound)
    nonce, deadline = instance.record.nonce, hands.settings.start_seconds
    instance.walls = await instance.line().hello(nonce=nonce, deadline=deadline)


async def check_instance(hands: Hands, step: Step) -> None:
    instance = hands.live(step)
    outside = await hands.world.sandbox.inspect(instance.id)
    layers = instance.confinement.layers
    refusal = check_walls(instance.plugin, inside=instance.walls, outside=outside, layers=layers)
    if refusal is not None:
        raise Refused(refusal)
    instance.walls = outside


async def go(hands: Hands, step: Step) -> None:
    """From here on plugin code runs."""
    instance = hands.live(step)
    ready = await instance.line().go(instance.confinement, deadline=hands.settings.start_seconds)
    if "native" in instance.confinement.permissions:
        instance.walls = await hands.world.sandbox.loaded(instance.id)
    missing = {service.name for service in instance.confinement.services} - set(ready.services)
    if missing:
        sentence = f"cannot load {instance.plugin}: its code does not offer {', '.join(sorted(missing))}"
        raise Refused(Refusal("services-missing", sentence, outcome=Outcome.FAILED))
    plugin = hands.roster.plugins[instance.plugin]
    now = hands.world.clock.time()
    instance.born = plugin.loaded_at = plugin.active_at = now
    plugin.critical = instance.confinement.critical
    hands.roster.move(plugin, State.LOADED)


async def end_instance(hands: Hands, step: Step) -> None:
    """The process goes, whatever it does; the channel is closed first, so nothing it still says is heard."""
    plugin, instance = hands.plugin(step), hands.instance(step)
    if plugin is not None and plugin.state not in (State.UNLOADED, State.UNLOADING):
        hands.roster.move(plugin, State.UNLOADING)
    if instance is not None:
        instance.dismiss()
        hands.world.face.withdraw(instance.plugin)
    await hands.world.sandbox.discard(step.number("instance"))
    hands.midway(step.kind)
    if step.number("instance"):
        await hands.roster.drop_instance(step.number("instance"))
    if plugin is not None and plugin.state is State.UNLOADING:
        plugin.loaded_at = 0.0
        hands.roster.move(plugin, State.UNLOADED)
