"""What the supervisor knows of one plugin: what is recorded, what is observed, and why it is in `error`."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from exod.errors import Refusal
from exod.package.manifest import Manifest
from exod.package.versions import in_order
from exod.supervisor.instance import Instance
from exod.supervisor.lifecycle import State
from exod.supervisor.ports import PluginRecord, VersionRecord
from exod.supervisor.views import PluginView


@dataclass(frozen=True, slots=True)
class Crash:
    """When (monotonic), and the uid in whose call; None when it was in nobody's."""

    at: float
    uid: int | None = None


@dataclass(slots=True)
class Plugin:
    """Changed by the roster only, so that every change is durable, audited and seen."""

    record: PluginRecord
    versions: dict[str, VersionRecord] = field(default_factory=dict)
    manifests: dict[str, Manifest] = field(default_factory=dict)
    state: State = State.UNLOADED
    fault: Refusal | None = None
    instance: Instance | None = None
    critical: bool = False
    crashes: tuple[Crash, ...] = ()
    restarts: int = 0
    loaded_at: float = 0.0
    active_at: float = 0.0

    @property
    def name(self) -> str:
        return self.record.name

    @property
    def alive(self) -> bool:
        return self.state.alive

    @property
    def version(self) -> VersionRecord | None:
        """The row of the version that runs, else of the one to run."""
        running = self.instance.version if self.instance is not None else self.record.version
        return self.versions.get(running)

    @property
    def manifest(self) -> Manifest | None:
        running = self.instance.version if self.instance is not None else self.record.version
        return self.manifests.get(running)

    def newest(self) -> str:
        return next(reversed(in_order(self.versions)), "")


def view(plugin: Plugin) -> PluginView:
    version, manifest, instance = plugin.version, plugin.manifest, plugin.instance
    fault: Mapping[str, str] = plugin.fault.fields() if plugin.fault is not None else {}
    return PluginView(
        name=plugin.name,
        version=plugin.record.version,
        versions=tuple(in_order(plugin.versions)),
        type=version.type if version else "custom",
        summary=manifest.summary if manifest else "",
        state=int(plugin.state),
        state_name=plugin.state.word,
        desired=plugin.record.desired,
        enabled=plugin.record.enabled,
        critical=plugin.critical,
        instance=instance.id if instance else 0,
        process_id=instance.record.pid if instance else 0,
        signer=version.signer if version else "",
        trust_level=version.level if version else "",
        fault=fault,
        restarts=plugin.restarts,
        load_time=int(plugin.loaded_at),
    )
