"""Request and present state → Plan, one function per verb. Pure: what it needs of the world is in its arguments.

Undo data is taken from `Present`, so a plan must be made and run while nothing else may change that plugin.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from exod.plan.steps import Plan, Scalar, Step, StepKind


@dataclass(frozen=True, slots=True)
class Present:
    """One plugin as it is now. `record` and the values of `stored` are registry rows as JSON, "" where there is none.

    `instance` is 0 while there is no process; `owner` and `mark` are "" while the name was never owned.
    """

    plugin: str
    state: str = "unloaded"
    instance: int = 0
    desired: str = "unloaded"
    enabled: bool = False
    record: str = ""
    stored: Mapping[str, str] = field(default_factory=dict)
    digests: Mapping[str, str] = field(default_factory=dict)
    owner: str = ""
    mark: str = ""
    config: str = "{}"

    @property
    def alive(self) -> bool:
        return self.state in ("loaded", "running", "suspended")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A verified package that is to be installed: registry rows as JSON, owner and mark as they will be.

    keeps_data: false when the owner may not have what the last one left behind. kept: the mark that was kept for this
    owner while another had the name.
    """

    version: str
    digest: str
    version_record: str
    plugin_record: str
    owner: str
    mark: str
    quota: int
    keeps_data: bool = True
    kept: str = ""


def install(present: Present, candidate: Candidate) -> Plan:
    """Store, pin, register. A new owner never receives the old owner's data."""
    plugin, version = present.plugin, candidate.version
    known, digest = present.digests.get(version, ""), candidate.digest
    changed: dict[str, Scalar] = {"had": known == digest, "replaces": known if known != digest else ""}
    steps = [_step(StepKind.STORE_PACKAGE, plugin, version=version, digest=digest, **changed)]
    if (candidate.owner, candidate.mark) != (present.owner, present.mark):
        pin = {"owner": candidate.owner, "mark": candidate.mark, "kept": candidate.kept}
        steps.append(_step(StepKind.PIN_OWNER, plugin, **pin, old_owner=present.owner, old_mark=present.mark))
    rows = {"row": candidate.version_record, "plugin_row": candidate.plugin_record}
    old = {"old_row": present.stored.get(version, ""), "old_plugin_row": present.record}
    steps.append(_step(StepKind.REGISTER, plugin, version=version, **rows, **old))
    other = present.owner != "" and not candidate.keeps_data
    if other:
        steps.append(_step(StepKind.DROP_DATA, plugin))
    had = present.owner != "" and not other
    steps.append(_step(StepKind.MAKE_DATA, plugin, quota=candidate.quota, had=had, aside=other))
    return Plan(tuple(steps))


def tidy(plan: Plan) -> Plan:
    """`plan`, and at its end the discard of what its steps moved aside; beginning that discard is the last way back."""
    versions = [step for step in plan.steps if step.kind is StepKind.STORE_PACKAGE and step.data["replaces"]]
    data = any(step.kind is StepKind.DROP_DATA for step in plan.steps)
    if not versions and not data:
        return plan
    names = ",".join(step.text("version") for step in versions)
    discard = _step(StepKind.DISCARD, plan.steps[0].text("plugin"), versions=names, data=data)
    return Plan((*plan.steps, discard), no_return=len(plan.steps))


_BIRTH = (StepKind.PREPARE_SANDBOX, StepKind.SPAWN, StepKind.CHECK_WALLS, StepKind.GO)


def bring_up(plugin: str, *, version: str, digest: str, instance: int, goal: str) -> Plan:
    """From no process to `goal`: loaded, running or suspended."""
    one: dict[str, Scalar] = {"version": version, "instance": instance}
    steps = [
        _step(StepKind.RESERVE_INSTANCE, plugin, digest=digest, **one),
        *(_step(kind, plugin, **one) for kind in _BIRTH),
        _step(StepKind.OFFER_SERVICES, plugin, instance=instance),
    ]
    if goal in ("running", "suspended"):
        steps.append(_step(StepKind.START, plugin, instance=instance, fresh=True))
    if goal == "suspended":
        steps.append(_step(StepKind.SUSPEND, plugin, instance=instance))
    return Plan(tuple(steps))


def joined(*plans: Plan) -> Plan:
    """Plans without a point of no return, one after the other."""
    return Plan(tuple(step for plan in plans for step in plan.steps))


def desire(present: Present, desired: str, *, enabled: bool | None = None, fresh: str = "") -> Plan:
    """Remembers what the plugin is to be; `fresh` is the row that an installation in the same plan leaves behind."""
    wanted = present.enabled if enabled is None else enabled
    old = fresh or present.record
    if not fresh and (desired, wanted) == (present.desired, present.enabled):
        return Plan(())
    return Plan((_step(StepKind.SET_DESIRED, present.plugin, desired=desired, enabled=wanted, old_row=old),))


def unload(present: Present) -> Plan:
    """Ending the instance is the point of no return. A suspended plugin is not woken to be told."""
    down = _take_down(present)
    steps = (*down.steps, *desire(present, "unloaded").steps)
    return Plan(steps, no_return=down.no_return)


def remove(present: Present, *, purge: bool) -> Plan:
    """Everything moved aside, the rows dropped, then forgotten for good. Owner and mark stay: they guard the name."""
    plugin = present.plugin
    down = _take_down(present) if present.alive or present.state == "error" else Plan(())
    steps = [*down.steps, *(_step(StepKind.DROP_PACKAGE, plugin, version=version) for version in present.stored)]
    if purge:
        steps.append(_step(StepKind.DROP_DATA, plugin))
    rows = "[" + ",".join(present.stored.values()) + "]"
    steps.append(_step(StepKind.UNREGISTER, plugin, old_rows=rows, old_plugin_row=present.record))
    steps.append(_step(StepKind.DISCARD, plugin, versions=",".join(present.stored), data=purge))
    return Plan(tuple(steps), no_return=len(steps) - 1 if down.no_return is None else down.no_return)


GOALS: Mapping[StepKind, str] = {
    StepKind.START: "running",
    StepKind.STOP: "loaded",
    StepKind.SUSPEND: "suspended",
    StepKind.RESUME: "running",
}


def move(present: Present, kind: StepKind) -> Plan:
    """Between loaded, running and suspended, by the step that leads there."""
    step = _step(kind, present.plugin, instance=present.instance)
    return Plan((step, *desire(present, GOALS[kind]).steps))


def configure(present: Present, *, values: str, keys: Iterable[str]) -> Plan:
    """`values` is the whole of what was ever set, as JSON; `keys` are those that change, for people."""
    data = {"values": values, "old_values": present.config, "keys": ", ".join(sorted(keys))}
    return Plan((_step(StepKind.SET_CONFIG, present.plugin, instance=present.instance, **data),))


def _take_down(present: Present) -> Plan:
    one: dict[str, Scalar] = {"instance": present.instance}
    steps = []
    if present.state == "running":
        steps.append(_step(StepKind.STOP, present.plugin, must=False, **one))
    if present.alive:
        steps.append(_step(StepKind.WITHDRAW_SERVICES, present.plugin, **one))
    steps.append(_step(StepKind.END_INSTANCE, present.plugin, **one))
    return Plan(tuple(steps), no_return=len(steps) - 1)


def _step(kind: StepKind, plugin: str, **data: Scalar) -> Step:
    return Step(kind, {"plugin": plugin} | data)
