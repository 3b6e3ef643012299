"""Attempts → what happened to each: with all walls, without those that stop it, and with each of them alone."""

import contextlib
import os
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from exod.brokers.doctor.residue import Trace, look
from exod.errors import Refusal, Refused
from tests.exod.brokers.network.own import apart
from tests.security.hostile import house as houses
from tests.security.hostile import layers, world
from tests.security.hostile.attempt import Attempt
from tests.security.hostile.house import House, Plugin


@dataclass(frozen=True, slots=True)
class Outcome:
    """`why`: what stopped it, in the words of this kernel."""

    succeeded: bool
    why: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """`open`: without all layers that stop it. `alone`: with only that one of them."""

    attempt: Attempt
    full: Outcome
    open: Outcome
    alone: dict[str, Outcome]

    @property
    def holes(self) -> list[str]:
        """Layers that should have stopped it by themselves, and did not."""
        let_through = [layer for layer, outcome in self.alone.items() if outcome.succeeded]
        return [layer for layer in let_through if layer != self.attempt.too_young]


@dataclass
class Scene:
    """An attempt under way, for whoever looks from outside."""

    world: world.World
    house: House
    sibling: Plugin | None = None
    attacker: Plugin | None = None
    process: subprocess.Popen[bytes] | None = None
    stdio: list[int] = field(default_factory=list)
    found: object = None

    def left_behind(self) -> bool:
        """Whether something of the attacker runs that is not the attacker."""
        group = self.house.rig.host._groups
        assert group is not None
        procs = (group.instance(self.attacker.instance) / "cgroup.procs").read_text().split()
        others = [int(process) for process in procs if int(process) != self.attacker.pid]
        return any(houses.state(process) not in "ZX" for process in others)

    def dumped(self) -> bool:
        """Whether the kernel says so of the attacker's end."""
        return self.house.dumped(self.attacker)

    def oom_score(self) -> int:
        return int(Path(f"/proc/{self.attacker.pid}/oom_score_adj").read_text())


async def verdicts(attempts: Iterable[Attempt], tools: Path) -> list[Verdict]:
    """`tools`: what was compiled for them. Fails when anything of them is left."""
    opened: dict[frozenset[str], House] = {}
    async with contextlib.AsyncExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="exod-hostile-")))
        os.chmod(place, 0o755)
        stack.enter_context(apart.place())
        apart.forward(on=True)  # a host of whose forwarding nothing may depend
        canaries = stack.enter_context(world.made(*houses.brought(tools)))
        for number, kind in enumerate((frozenset[str](), frozenset({"zygote"}), frozenset({"fresh"}))):
            how = houses.opened(place / str(number), tools, number=number, left_out=kind)
            opened[kind] = await stack.enter_async_context(how)

        async def try_(attempt: Attempt, without: frozenset[str]) -> Outcome:
            return await tried(opened[without & {*layers.ZYGOTES}], canaries, attempt, without)

        found = [await verdict(attempt, try_) for attempt in attempts]
    left = frozenset[Trace]().union(*(look(house.rig.scope()) for house in opened.values()))
    assert left == frozenset(), left
    return found


async def verdict(attempt: Attempt, try_) -> Verdict:
    every = frozenset(attempt.stopped_by)
    alone = {}
    if len(every) > 1:
        alone = {layer: await try_(attempt, every - {layer}) for layer in attempt.stopped_by}
    return Verdict(attempt, await try_(attempt, frozenset()), await try_(attempt, every), alone)


async def tried(house: House, canaries: world.World, attempt: Attempt, without: frozenset[str]) -> Outcome:
    canaries.renew()
    try:
        with layers.left_out(without), staged(canaries, attempt) as (ours, theirs):
            return await played(house, canaries, attempt, without, ours, theirs)
    except Refused as refused:
        if not expected(refused.refusal, attempt, without):
            refused.add_note(f"{attempt.name} without {sorted(without)}")
            raise
        return Outcome(succeeded=False, why=refused.refusal.sentence)
    finally:
        await house.empty()
        if attempt.apart:
            house.retire()


def expected(refusal: Refusal, attempt: Attempt, without: frozenset[str]) -> bool:
    """A grant that is not opened; filter and domain, which nobody may take who could gain rights by an execution."""
    if refusal.code == "file-grant-refused":
        return "grants" in attempt.stopped_by
    return refusal.evidence.get("wall") in ("filter", "landlock") and "no-new-privileges" in without


@contextlib.contextmanager
def staged(canaries: world.World, attempt: Attempt) -> Iterator[tuple[list[int], int]]:
    """What we keep of the attacker's stdio, and what it gets."""
    if attempt.stdio == "log":
        yield [], -1
        return
    ours, theirs = world.stdio(canaries, attempt.stdio)
    try:
        yield ours, theirs
    finally:
        for descriptor in ours:
            os.close(descriptor)


async def played(
    house: House, canaries: world.World, attempt: Attempt, without: frozenset[str], ours: list[int], theirs: int
) -> Outcome:
    files = tuple(canaries.granted[name] for name in attempt.files)
    uid, foreign = house.next_uid()
    how = {"without": without, "files": files, "native": attempt.native, "network": attempt.network}
    canaries.give(foreign)
    told = dict(canaries.told)
    sibling = None
    if attempt.sibling is not None:
        sibling = await house.start(**how)
        answer = sibling.order(attempt.sibling, told)
        assert answer, attempt.name
        assert not answer.get("fault"), (attempt.name, answer)
        told |= {"sibling": sibling.pid, "victim": answer["found"]} | house.rig.host._places.wires.shown(
            sibling.instance
        )
    process = world.process(uid) if attempt.host_process else None
    scene = Scene(canaries, house, sibling, None, process, ours)
    try:
        if attempt.before is not None:
            await attempt.before(scene)
        plugin = scene.attacker = await house.start(**how, stdio=theirs, uid=uid, state=attempt.state)
        if "loaded" in {*attempt.stopped_by} - without:
            await house.rig.host.loaded(plugin.instance)
        told |= {"zygote": plugin.zygote, "process": process.pid if process else 0, "uid": plugin.uid}
        answer = plugin.order(attempt.code, told)
        if answer is None:
            ended = await house.ended(plugin)
            answer = {"found": None, "why": f"it was ended: {ended.cause}"}
        assert not answer.get("fault"), (attempt.name, answer)
        scene.found = answer["found"]
        return judged(scene, attempt, str(answer["why"]))
    finally:
        if process is not None:
            process.kill()
            process.wait()


def judged(scene: Scene, attempt: Attempt, why: str) -> Outcome:
    found = scene.found
    if attempt.seen is not None:
        succeeded = attempt.seen(scene)
    else:
        succeeded = found == scene.world.secret if isinstance(found, str) else bool(found)
    return Outcome(succeeded=succeeded, why="" if succeeded else why)
