"""What every handler may reach: the roster, the world behind it, and what the job works with."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from exod.errors import Outcome, Refusal, Refused
from exod.package.options import Value
from exod.plan.steps import Plan, Step
from exod.settings import Settings
from exod.supervisor.ears import Broken
from exod.supervisor.instance import Instance
from exod.supervisor.lifecycle import State
from exod.supervisor.material import Material, Prepared
from exod.supervisor.plugin import Plugin
from exod.supervisor.ports import World
from exod.supervisor.roster import Roster


@dataclass(slots=True)
class Hands:
    """`prepared` is empty in recovery: no undo and no step past a point of no return needs it.

    refusal: why the job is being undone. notes: what was not done although the job goes on, for its result.
    midway: told between two effects of one step, where a kill leaves the step half done.
    broken: who deals with an instance that cannot go on. settling: the job is not ours but what an earlier run left.
    """

    roster: Roster
    prepared: Prepared = Prepared(Plan(()))
    refusal: Refusal | None = None
    notes: dict[str, str] = field(default_factory=dict)
    midway: Callable[[str], None] = lambda _: None
    broken: Broken = lambda _instance, _refusal: None
    settling: bool = False

    @property
    def world(self) -> World:
        return self.roster.world

    @property
    def settings(self) -> Settings:
        return self.roster.settings

    def needed(self) -> Material:
        if self.prepared.material is None:
            raise RuntimeError("a step that needs a package ran without one")
        return self.prepared.material

    def needed_config(self) -> Mapping[str, Value]:
        if self.prepared.config is None:
            raise RuntimeError("a configuration step ran without values")
        return self.prepared.config

    def plugin(self, step: Step) -> Plugin | None:
        return self.roster.plugins.get(step.text("plugin"))

    def instance(self, step: Step) -> Instance | None:
        """None after a restart of exod, and when it is gone."""
        return self.roster.instances.get(step.number("instance"))

    def live(self, step: Step) -> Instance:
        instance = self.instance(step)
        if instance is None:
            raise RuntimeError(f"{step.kind} ran without its instance")
        return instance


Act = Callable[[Hands, Step], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Handler:
    """`do` may run again after `undo`, and `undo` whether or not `do` ran; both may run twice."""

    do: Act
    undo: Act


def asking(act: Act, *, back: State | None = None) -> Act:
    """The undo that asks a plugin to go back. One that will not is in no state that has a name: it is ended.

    One that was taken over from an earlier run has said itself where it is: if that is `back`, the step never ran.
    """

    async def undo(hands: Hands, step: Step) -> None:
        instance = hands.instance(step)
        if instance is None or instance.ending or instance.exit is not None:
            return
        if hands.settling and back is not None and hands.roster.plugins[instance.plugin].state is back:
            return
        try:
            await act(hands, step)
        except (Refused, OSError) as error:
            sentence = f"cannot bring {instance.plugin} back: {error}"
            hands.broken(instance, Refusal("not-undone", sentence, outcome=Outcome.FAILED))

    return undo


async def nothing(hands: Hands, step: Step) -> None:
    """The undo of a step that another step's undo covers."""
