"""What is installed and what runs: the registry's rows and the instances, changed nowhere else.

Every recorded change is durable before it is seen here; every change of state is checked against the table, audited,
and told to the face. Reading never waits.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from weakref import WeakValueDictionary

from exod.brokers.desk import Desk, Nobody
from exod.errors import Outcome, Refusal, Refused
from exod.package.manifest import Manifest
from exod.settings import Settings
from exod.supervisor.instance import Instance
from exod.supervisor.ledger import Ledger
from exod.supervisor.lifecycle import State, is_legal
from exod.supervisor.plugin import Plugin
from exod.supervisor.ports import InstanceRecord, PluginRecord, Snapshot, TrustInputs, VersionRecord, World
from exod.supervisor.rows import plugin_text
from exod.trust.state import TrustState, own, saw_list

TRIES = 3
"""For an effect that has to happen: the end of an instance, an undo, a step past the point of no return."""


class Roster:
    """`settings` are read again on reload, while jobs run. desk: who answers what an instance asks of us."""

    def __init__(self, world: World, settings: Settings) -> None:
        self.world = world
        self.settings = settings
        self.ledger = Ledger(world.audit)
        self.plugins: dict[str, Plugin] = {}
        self.instances: dict[int, Instance] = {}
        self.trust: TrustState | Refusal = TrustState()
        self.inputs = TrustInputs()
        self.generation = 0
        self.desk: Desk | Nobody = Nobody()
        self._next_instance = 1
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._trust_lock = asyncio.Lock()

    def adopt(self, snapshot: Snapshot, *, trust: TrustState | Refusal) -> None:
        """Takes over what the registry says; nothing runs yet."""
        self.plugins = {record.name: Plugin(record) for record in snapshot.plugins}
        for version in snapshot.versions:
            if version.plugin in self.plugins:
                self.plugins[version.plugin].versions[version.version] = version
        self.trust = trust
        self.generation = snapshot.generation
        self._next_instance = snapshot.next_instance

    def lock(self, plugin: str) -> asyncio.Lock:
        """Serial per plugin: whoever changes it holds this, in the order of asking."""
        return self._locks.setdefault(plugin, asyncio.Lock())

    def find(self, plugin: str, *, verb: str) -> Plugin:
        """Raises Refused when it is not installed."""
        found = self.plugins.get(plugin)
        if found is None:
            sentence = f"cannot {verb} {plugin}: it is not installed"
            raise Refused(Refusal("unknown-plugin", sentence, "exoctl plugin list", outcome=Outcome.NOT_FOUND))
        return found

    def next_instance(self) -> int:
        """Ids are never used again; one that is only planned is lost."""
        self._next_instance += 1
        return self._next_instance - 1

    def owner(self, plugin: str) -> str:
        """Key id of who owns the name; "" while nobody does."""
        return "" if isinstance(self.trust, Refusal) else self.trust.owners.get(plugin, "")

    # --- what is recorded

    async def put_plugin(self, record: PluginRecord) -> None:
        await self.world.registry.put_plugin(record)
        if (known := self.plugins.get(record.name)) is None:
            self.plugins[record.name] = Plugin(record)
        else:
            known.record = record
        self.world.face.plugin(record.name)

    async def drop_plugin(self, name: str) -> None:
        await self.world.registry.drop_plugin(name)
        if self.plugins.pop(name, None) is not None:
            self.world.face.plugin(name)

    async def put_version(self, record: VersionRecord) -> None:
        await self.world.registry.put_version(record)
        if (plugin := self.plugins.get(record.plugin)) is not None:
            if record.version in plugin.versions and plugin.versions[record.version].digest != record.digest:
                plugin.manifests.pop(record.version, None)
            plugin.versions[record.version] = record
            self.world.face.plugin(record.plugin)

    async def drop_version(self, plugin: str, version: str) -> None:
        await self.world.registry.drop_version(plugin, version)
        if (known := self.plugins.get(plugin)) is not None:
            known.versions.pop(version, None)
            known.manifests.pop(version, None)
            self.world.face.plugin(plugin)

    def learn(self, manifest: Manifest) -> None:
        """What a package in the store says of itself."""
        plugin = self.plugins.get(manifest.name)
        if plugin is not None and manifest.version in plugin.versions:
            plugin.manifests[manifest.version] = manifest
            self.world.face.plugin(manifest.name)

    async def put_instance(self, record: InstanceRecord) -> None:
        await self.world.registry.put_instance(record)
        if (instance := self.instances.get(record.id)) is not None:
            instance.record = record
            self.world.face.instance(record.id)

    async def drop_instance(self, instance: int) -> None:
        await self.world.registry.drop_instance(instance)
        self.forget(instance)

    async def clear(self, instance: int) -> bool:
        """Ends its process and drops its row; a row that stays says to the next start that there is one to end."""
        for _ in range(TRIES):
            try:
                await self.world.sandbox.discard(instance)
                await self.drop_instance(instance)
            except (OSError, Refused):
                continue
            return True
        return False

    def forget(self, instance: int) -> None:
        if (gone := self.instances.pop(instance, None)) is None:
            return
        self.desk.gone(gone)
        plugin = self.plugins.get(gone.plugin)
        if plugin is not None and plugin.instance is gone:
            plugin.instance = None
        self.world.face.instance(instance)

    async def own(
        self, plugin: str, *, owner: str, mark: str, now: int, reason: str, kept: Mapping[str, str] | None = None
    ) -> None:
        """Pins owner and mark; "" forgets them. The file comes before the registry, which repeats its generation."""
        async with self._trust_lock:
            if isinstance(self.trust, Refusal):
                raise Refused(self.trust)
            state = self.trust
            if (state.owners.get(plugin, ""), state.marks.get(plugin, "")) == (owner, mark):
                await self._repeat_generation()
                return
            fresh = own(state, plugin, owner=owner, mark=mark, now=now)
            if kept is not None:
                fresh = replace(fresh, former=_restored(fresh.former, plugin, kept))
            await self.save_trust(fresh)
        self.ledger.note("trust", change=reason, generation=fresh.generation, plugin=plugin, owner=owner, mark=mark)

    async def saw_lists(self, sequences: Mapping[str, int]) -> None:
        """Signer → sequence of a revocation list in force. Not worth refusing to start over: the list is in force."""
        async with self._trust_lock:
            if isinstance(self.trust, Refusal):
                return
            fresh = self.trust
            for signer, sequence in sequences.items():
                fresh = saw_list(fresh, signer, sequence=sequence)
            if fresh is not self.trust:
                await self.save_trust(replace(fresh, generation=self.trust.generation + 1))

    async def save_trust(self, state: TrustState) -> None:
        await self.world.trust_file.save(state)
        self.trust = state
        await self._repeat_generation()

    async def _repeat_generation(self) -> None:
        if isinstance(self.trust, TrustState) and self.generation != self.trust.generation:
            await self.world.registry.set_generation(self.trust.generation)
            self.generation = self.trust.generation

    # --- what is observed

    def enter(self, instance: Instance) -> None:
        """An instance begins; its plugin is loading."""
        self.instances[instance.id] = instance
        self.plugins[instance.plugin].instance = instance
        self.world.face.instance(instance.id)

    def take_over(self, instance: Instance, state: State) -> None:
        """One that was there before us: its plugin goes on with what it did."""
        self.enter(instance)
        plugin = self.plugins[instance.plugin]
        plugin.state = state
        plugin.critical = instance.confinement.critical
        plugin.loaded_at = plugin.active_at = instance.born
        self.ledger.note("adopt", plugin=plugin.name, instance=instance.id, state=state.word)
        self.world.face.plugin(plugin.name)

    def move(self, plugin: Plugin, state: State, *, fault: Refusal | None = None) -> None:
        """Raises Refused (an internal error) for what the table does not know."""
        old = plugin.state
        if old is state:
            return
        if not is_legal(old, state):
            sentence = f"internal error: {plugin.name} may not go from {old.word} to {state.word}"
            raise Refused(Refusal("illegal-transition", sentence, outcome=Outcome.FAILED))
        plugin.state = state
        plugin.fault = fault
        instance = plugin.instance.id if plugin.instance is not None else 0
        self.ledger.note("state", plugin=plugin.name, old=old.word, new=state.word, instance=instance)
        self.world.face.plugin(plugin.name)

    def fail(self, plugin: Plugin, fault: Refusal) -> None:
        """Into `error`, from wherever the table allows it."""
        if plugin.state is State.UNLOADED:
            self.move(plugin, State.LOADING)
        if plugin.state is State.ERROR:
            plugin.fault = fault
            self.world.face.plugin(plugin.name)
        else:
            self.move(plugin, State.ERROR, fault=fault)

    async def rewrite(self, plugin: str, **changes: Any) -> None:
        """Those fields of its row, if they differ."""
        record = self.find(plugin, verb="change").record
        fresh = replace(record, **changes)
        if plugin_text(fresh) != plugin_text(record):
            await self.put_plugin(fresh)


def _restored(former: Mapping[str, str], plugin: str, kept: Mapping[str, str]) -> Mapping[str, str]:
    """The marks of replaced owners as they were: an installation that was undone leaves none of its own behind."""
    keys = {f"{plugin}/{owner}": mark for owner, mark in kept.items()}
    rest = {key: mark for key, mark in former.items() if key not in keys}
    return rest | {key: mark for key, mark in keys.items() if mark}
