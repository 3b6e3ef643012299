"""The rows of the registry: what is stored, as distinct from what was asked for and what is observed."""

from collections.abc import Mapping
from dataclasses import dataclass

from exod.package.options import Value


@dataclass(frozen=True, slots=True)
class VersionRecord:
    """One installed package. `manifest` lives in the package itself; this is what lists need without opening it.

    lint: what the lint found, behind the version of its rules; "" where nobody looked.
    """

    plugin: str
    version: str
    type: str
    digest: str
    signer: str
    level: str
    sequence: int
    installed: float
    lint: str = ""


@dataclass(frozen=True, slots=True)
class PluginRecord:
    """`version` is the one to run; `enabled` restores it at start.

    `desired` is unloaded, loaded, running or suspended.
    """

    name: str
    version: str
    enabled: bool
    desired: str
    config: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class InstanceRecord:
    """Written before the fork is let go: what adoption will compare. `pid` is 0 until bound.

    granted: the permissions it was started with, as JSON; "" of one that an exod before schema 2 started.
    """

    id: int
    plugin: str
    version: str
    digest: str
    nonce: bytes
    uid: int
    cgroup: int
    pid: int
    born: float
    granted: str = ""


@dataclass(frozen=True, slots=True)
class JobRecord:
    """`steps` is the journalled plan as JSON; `state` is running, done, refused, failed, cancelled or undone."""

    id: int
    kind: str
    plugin: str
    caller: str
    state: str
    created: float
    finished: float
    steps: str
    result: str
    refusal: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The registry as found at start. `generation` repeats the trust file's; `next_instance` was never used."""

    plugins: tuple[PluginRecord, ...]
    versions: tuple[VersionRecord, ...]
    instances: tuple[InstanceRecord, ...]
    jobs: tuple[JobRecord, ...]
    generation: int
    next_instance: int
    next_job: int
