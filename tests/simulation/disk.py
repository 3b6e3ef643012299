"""The disk that outlives the daemon, and the state ports of one incarnation over it.

What a port has returned from is durable; what the audit has not flushed is lost with the daemon.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from exod.errors import Refusal, Refused
from exod.package.archive import Tree
from exod.package.manifest import Manifest
from exod.plan.policy import Policy
from exod.state.events import EVENTS
from exod.supervisor.ports import InstanceRecord, JobRecord, PluginRecord, Snapshot, TrustInputs, VersionRecord
from exod.trust.state import TrustState
from tests.simulation.fate import Fate


@dataclass
class Disk:
    plugins: dict[str, PluginRecord] = field(default_factory=dict)
    versions: dict[tuple[str, str], VersionRecord] = field(default_factory=dict)
    instances: dict[int, InstanceRecord] = field(default_factory=dict)
    jobs: dict[int, JobRecord] = field(default_factory=dict)
    generation: int = 0
    next_instance: int = 1
    next_job: int = 1
    packages: dict[tuple[str, str], bytes] = field(default_factory=dict)
    package_trash: dict[tuple[str, str], bytes] = field(default_factory=dict)
    data: dict[str, str] = field(default_factory=dict)
    data_trash: dict[str, str] = field(default_factory=dict)
    trust: TrustState | Refusal = field(default_factory=TrustState)
    inputs: TrustInputs = field(default_factory=lambda: TrustInputs(anchors=("alice", "bob")))
    audit: list[tuple[str, dict[str, str]]] = field(default_factory=list)


def conflict(why: str) -> Refused:
    return Refused(Refusal("registry-conflict", f"cannot change the registry: {why}"))


class FakeRegistry:
    """With the real one's foreign keys: a plugin before its versions and instances, dropped after them."""

    def __init__(self, disk: Disk, fate: Fate) -> None:
        self._disk = disk
        self._fate = fate

    async def load(self) -> Snapshot:
        disk = self._disk
        return Snapshot(
            tuple(disk.plugins.values()),
            tuple(disk.versions.values()),
            tuple(disk.instances.values()),
            tuple(disk.jobs.values()),
            disk.generation,
            disk.next_instance,
            disk.next_job,
        )

    async def put_job(self, job: JobRecord) -> None:
        await self._fate.effect(f"registry.put_job {job.id} {job.kind} {job.state}", lambda: self._job(job))

    def _job(self, job: JobRecord) -> None:
        self._disk.jobs[job.id] = job
        self._disk.next_job = max(self._disk.next_job, job.id + 1)

    async def prune_jobs(self, *, before: float) -> None:
        old = [job.id for job in self._disk.jobs.values() if job.state != "running" and job.finished < before]
        for job in old:
            del self._disk.jobs[job]

    async def put_plugin(self, plugin: PluginRecord) -> None:
        def act() -> None:
            self._disk.plugins[plugin.name] = plugin

        await self._fate.effect(f"registry.put_plugin {plugin.name} {plugin.desired}", act)

    async def drop_plugin(self, name: str) -> None:
        def act() -> None:
            if any(record.plugin == name for record in self._disk.instances.values()):
                raise conflict(f"{name} has instances")
            self._disk.plugins.pop(name, None)
            for key in [key for key in self._disk.versions if key[0] == name]:
                del self._disk.versions[key]

        await self._fate.effect(f"registry.drop_plugin {name}", act)

    async def put_version(self, version: VersionRecord) -> None:
        def act() -> None:
            if version.plugin not in self._disk.plugins:
                raise conflict(f"no plugin {version.plugin}")
            self._disk.versions[version.plugin, version.version] = version

        await self._fate.effect(f"registry.put_version {version.plugin} {version.version}", act)

    async def drop_version(self, plugin: str, version: str) -> None:
        await self._fate.effect(
            f"registry.drop_version {plugin} {version}", lambda: self._disk.versions.pop((plugin, version), None)
        )

    async def put_instance(self, instance: InstanceRecord) -> None:
        def act() -> None:
            if instance.plugin not in self._disk.plugins:
                raise conflict(f"no plugin {instance.plugin}")
            self._disk.instances[instance.id] = instance
            self._disk.next_instance = max(self._disk.next_instance, instance.id + 1)

        await self._fate.effect(f"registry.put_instance {instance.id} pid={instance.pid}", act)

    async def drop_instance(self, instance: int) -> None:
        await self._fate.effect(f"registry.drop_instance {instance}", lambda: self._disk.instances.pop(instance, None))

    async def set_generation(self, generation: int) -> None:
        def act() -> None:
            if generation < self._disk.generation:
                raise conflict("generation goes back")
            self._disk.generation = generation

        await self._fate.effect(f"registry.set_generation {generation}", act)


class FakeLint:
    """Finds what the kit says: `lint` in its behaviour, "error" or "warning". What was found is known the next time."""

    def __init__(self, fate: Fate) -> None:
        self._fate = fate

    async def examine(self, manifest: Manifest, tree: Tree, *, policy: Policy, known: str) -> str:
        if policy.lint == "off":
            return known
        kit, _ = tree.get("code/main.py", (b'{"behaviour": {}}', False))  # real packages are clean
        found = json.loads(kit)["behaviour"].get("lint", "")
        if not known:
            await self._fate.effect(f"lint {manifest.name} {manifest.version} {found}", lambda: None)
        if found == "error" and policy.lint == "refuse":
            raise Refused(Refusal("lint-refused", f"cannot load {manifest.name}: the lint found code/main.py:1"))
        return "rules 1" + (f"\ncode/main.py:1: {found}" if found else "")


class FakePackages:
    def __init__(self, disk: Disk, fate: Fate) -> None:
        self._disk = disk
        self._fate = fate

    async def put(self, plugin: str, version: str, data: bytes) -> None:
        def act() -> None:
            if self._disk.packages.get((plugin, version), data) != data:
                raise Refused(Refusal("version-differs", "cannot store: other bytes are stored"))
            self._disk.packages[plugin, version] = data

        await self._fate.effect(f"packages.put {plugin} {version}", act)

    async def get(self, plugin: str, version: str) -> bytes | None:
        found: bytes | None = await self._fate.effect(
            f"packages.get {plugin} {version}", lambda: self._disk.packages.get((plugin, version))
        )
        return found

    async def drop(self, plugin: str, version: str) -> None:
        await self._fate.effect(
            f"packages.drop {plugin} {version}",
            lambda: _move(self._disk.packages, self._disk.package_trash, (plugin, version)),
        )

    async def restore(self, plugin: str, version: str) -> None:
        await self._fate.effect(
            f"packages.restore {plugin} {version}",
            lambda: _move(self._disk.package_trash, self._disk.packages, (plugin, version)),
        )

    async def discard(self, plugin: str, version: str) -> None:
        await self._fate.effect(
            f"packages.discard {plugin} {version}", lambda: self._disk.package_trash.pop((plugin, version), None)
        )


class FakeData:
    def __init__(self, disk: Disk, fate: Fate) -> None:
        self._disk = disk
        self._fate = fate

    async def make(self, plugin: str) -> None:
        await self._fate.effect(f"data.make {plugin}", lambda: self._disk.data.setdefault(plugin, "fresh"))

    async def drop(self, plugin: str) -> None:
        await self._fate.effect(f"data.drop {plugin}", lambda: _move(self._disk.data, self._disk.data_trash, plugin))

    async def restore(self, plugin: str) -> None:
        await self._fate.effect(f"data.restore {plugin}", lambda: _move(self._disk.data_trash, self._disk.data, plugin))

    async def discard(self, plugin: str) -> None:
        await self._fate.effect(f"data.discard {plugin}", lambda: self._disk.data_trash.pop(plugin, None))


def _move(source: dict, target: dict, key: object) -> None:
    if key in source:
        target[key] = source.pop(key)


class FakeTrustFile:
    def __init__(self, disk: Disk, fate: Fate) -> None:
        self._disk = disk
        self._fate = fate

    async def load(self, *, generation: int) -> TrustState | Refusal:
        state = self._disk.trust
        if isinstance(state, TrustState) and state.generation < generation:
            return Refusal("trust-state-old", "cannot trust: the trust state went back in time")
        return state

    async def save(self, state: TrustState) -> None:
        def act() -> None:
            self._disk.trust = state

        await self._fate.effect(f"trust.save {state.generation}", act)


class FakeTrustSource:
    def __init__(self, disk: Disk) -> None:
        self._disk = disk

    async def read(self, *, state: TrustState) -> TrustInputs:
        return self._disk.inputs


class FakeAudit:
    """`written` is this incarnation's; the disk has what was flushed."""

    def __init__(self, disk: Disk, fate: Fate) -> None:
        self._disk = disk
        self._fate = fate
        self.written: list[tuple[str, dict[str, str]]] = []

    def write(self, event: str, fields: Mapping[str, object], source: str = "exod", by: str = "") -> bool:
        """Counts nothing away: every record is looked at."""
        if self._fate.dead:
            return False
        assert event in EVENTS, event
        assert source.startswith(EVENTS[event].source), source
        texts = {name: str(value) for name, value in fields.items()}
        self.written.append((event, texts))
        self._fate.trace.note(f"audit {event} " + " ".join(f"{k}={v}" for k, v in sorted(texts.items())))
        return True

    async def files(self) -> tuple[list[tuple[str, int]], dict[str, str]]:
        return [], {}

    async def read(self, name: str, offset: int) -> bytes:
        return b""

    async def flush(self) -> None:
        self._disk.audit.extend(self.written[len(self._disk.audit) :])
