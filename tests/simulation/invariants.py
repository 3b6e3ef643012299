"""What has to be true, whatever went wrong before: each check yields a sentence for each thing that is not."""

from collections import Counter
from collections.abc import Iterable, Iterator
from hashlib import sha256

from exod.supervisor.jobs import OVER
from exod.supervisor.lifecycle import State, is_legal
from exod.trust.state import TrustState
from tests.simulation.house import House


def after_restart(house: House) -> list[str]:
    """Of a daemon that has just restored desired state, with nothing failing any more."""
    return [
        *_store(house),
        *_trust(house),
        *_journal(house),
        *_kept(house),
        *_processes(house),
        *_desired(house),
        *_held(house),
        *always(house),
    ]


def always(house: House) -> list[str]:
    """Of any incarnation that still lives, once its jobs are over."""
    return [
        *_moves(house),
        *_audited(house),
        *_blamed(house),
        *(f"a task failed: {error!r}" for error in house.failures),
    ]


def _store(house: House) -> Iterator[str]:
    disk = house.disk
    if set(disk.versions) != set(disk.packages):
        yield f"registry and store differ: {sorted(disk.versions)} and {sorted(disk.packages)}"
    for key, record in disk.versions.items():
        if key in disk.packages and sha256(disk.packages[key]).hexdigest() != record.digest:
            yield f"{key} in the store is not what is registered"
    for name, record in disk.plugins.items():
        if (name, record.version) not in disk.versions:
            yield f"{name} is to run {record.version}, which is not installed"
        if name not in disk.data:
            yield f"{name} has no data directory"
    for name, _ in disk.versions:
        if name not in disk.plugins:
            yield f"{name} has versions but is not registered"
    if disk.package_trash or disk.data_trash:
        yield f"moved aside and forgotten: {sorted(disk.package_trash)} {sorted(disk.data_trash)}"


def _trust(house: House) -> Iterator[str]:
    trust = house.disk.trust
    assert isinstance(trust, TrustState)
    if trust.generation < house.disk.generation:
        yield f"trust state {trust.generation} is older than the registry's {house.disk.generation}"
    for name, record in house.disk.plugins.items():
        owner = trust.owners.get(name)
        row = house.disk.versions.get((name, record.version))
        if row is not None and owner != row.signer:
            yield f"{name} runs {row.signer}'s package and is owned by {owner}"
    for name in house.disk.data:
        if name not in house.disk.plugins and name not in trust.owners:
            yield f"data of {name}, which nobody owns"


def _journal(house: House) -> Iterator[str]:
    for job in house.disk.jobs.values():
        if job.state == "running":
            yield f"job {job.id} ({job.kind} {job.plugin}) is unfinished"


_NOT_KEPT = (
    "the registry does not know it",  # its end was under way
    "its package is gone from the store",  # a development package that was being replaced
    "it is gone",
    "it ended while exod was away",
    "it was still being brought up",
    "the store holds other bytes than were installed",
    "its package was installed anew, or its signer has another level",
    "who is not trusted",
)


def _kept(house: House) -> Iterator[str]:
    """Whatever lived when its daemon died lives on, unless today's trust or an unfinished load is against it."""
    for fields in house.events("adopt"):
        if "refused" in fields and not fields["refused"].endswith(_NOT_KEPT):
            yield f"instance {fields['instance']} was not taken over: {fields['refused']}"


def _processes(house: House) -> Iterator[str]:
    shown = {number: view.process_id for number, view in house.supervisor.instances.items()}
    living = {number: process.pid for number, process in house.host.processes.items()}
    recorded = {number: record.pid for number, record in house.disk.instances.items()}
    if shown != living:
        yield f"instances shown {shown}, processes {living}"
    if recorded != living:
        yield f"instances recorded {recorded}, processes {living}"
    if house.host.prepared != set(living):
        yield f"sandboxes prepared {sorted(house.host.prepared)}, processes {sorted(living)}"
    names = Counter(process.plugin for process in house.host.processes.values())
    yield from (f"{name} runs {count} times" for name, count in names.items() if count > 1)
    for view in house.supervisor.plugins.values():
        alive = view.state_name in ("loaded", "running", "suspended")
        if alive != (view.instance in living):
            yield f"{view.name} is {view.state_name} with instance {view.instance}"
        if alive and house.host.processes[view.instance].frozen != (view.state_name == "suspended"):
            yield f"{view.name} is {view.state_name} and frozen or not"
        if alive and house.host.processes[view.instance].state != view.state_name:
            yield f"{view.name} is {view.state_name}, and {house.host.processes[view.instance].state} to itself"
        if alive != (view.name in house.face.offered):
            yield f"{view.name} is {view.state_name}, services offered: {view.name in house.face.offered}"


def _desired(house: House) -> Iterator[str]:
    told = {fields.get("plugin") for fields in house.events("fault")}
    told |= {fields["subject"].split()[-1] for fields in house.events("refused")}
    for view in house.supervisor.plugins.values():
        # One that is disabled is not started at boot; one that runs is not stopped by a new daemon.
        wanted = (view.desired,) if view.enabled else ("unloaded", view.desired)
        if view.state_name in wanted or _is_needed(house, view.name):
            continue
        if view.state_name != "error" or not view.fault:
            yield f"{view.name} is {view.state_name}, wanted {' or '.join(wanted)}"
        elif view.name not in told:
            yield f"{view.name} is in error, and the audit does not say why"


def _is_needed(house: House, name: str) -> bool:
    """Loaded for another's sake, whatever it is to be itself."""
    others = [view.name for view in house.supervisor.plugins.values() if view.name != name]
    return any(
        row[0] == name and row[2] == "satisfied" for one in others for row in house.supervisor.check_dependencies(one)
    )


def _held(house: House) -> Iterator[str]:
    for instance in house.host.over:
        if instance in house.host.processes:
            yield f"instance {instance} went over its limit and runs"


def _blamed(house: House) -> Iterator[str]:
    """Each that went over a limit is in the audit with it, once."""
    blamed = Counter(fields["instance"] for fields in house.events("limit") if fields["ends"] == "True")
    for instance in house.resources.ended:
        if blamed[str(instance)] != 1:
            yield f"instance {instance} went over its limit, which was audited {blamed[str(instance)]} times"


def _moves(house: House) -> Iterator[str]:
    for old, new in house.face.moves:
        if not is_legal(old, new):
            yield f"illegal: {old.word} → {new.word}"
    for fields in house.events("state"):
        if not is_legal(State[fields["old"].upper()], State[fields["new"].upper()]):
            yield f"illegal in the audit: {fields['old']} → {fields['new']}"


def _audited(house: House) -> Iterator[str]:
    """One record for each job that ended here, saying how; one for each request that never became a job."""
    ended = Counter(fields["job"] for event in ("refused", "job") for fields in house.events(event) if "job" in fields)
    refused = {fields["job"]: fields["code"] for fields in house.events("refused") if "job" in fields}
    for number, view in house.supervisor.jobs.items():
        if number in house.past or view.state not in OVER:
            continue
        if ended[str(number)] != 1:
            yield f"job {number} was audited {ended[str(number)]} times"
        if (view.state == "done") == (str(number) in refused):
            yield f"job {number} is {view.state} and the audit says otherwise"
        if view.state != "done" and view.refusal.get("code") != refused.get(str(number)):
            yield f"job {number} says {view.refusal.get('code')}, the audit {refused.get(str(number))}"
    plain = sum(1 for fields in house.events("refused") if "job" not in fields)
    if plain != house.turned_away:
        yield f"{house.turned_away} requests were refused at the door, {plain} are in the audit"


def joined(problems: Iterable[str]) -> str:
    return "; ".join(problems)
