"""What the supervisor needs of the world, as Protocols: it runs unchanged on a virtual clock with fakes of them.

The real twins: Registry, Packages, TrustFile, TrustSource, DataDirs, Audit are `exod/state/`; Sandbox is
`exod/sandbox/`; Resources is `exod/brokers/resources/`; Lint is `exod/brokers/lint/`; Channel is
`exod/supervisor/channel.py` over the socket the sandbox returned; Face is `exod/dbus/`.
Every effect that can fail raises `Refused` (a decision) or `OSError` (the world).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, Literal, Protocol

from exod.brokers.resources.rules import Row, Subject, Usage, Verdict
from exod.errors import Refusal
from exod.package.archive import Tree
from exod.package.manifest import Manifest
from exod.package.services import Service
from exod.plan.confine import Confinement
from exod.plan.policy import Policy
from exod.sandbox.launch import Born, Exit, Launch, Survivor
from exod.state.records import InstanceRecord, JobRecord, PluginRecord, Snapshot, VersionRecord
from exod.trust.levels import DEFAULTS, Levels
from exod.trust.state import TrustState
from exosdk import wire

__all__ = ["Born", "Exit", "Launch", "Row", "Subject", "Survivor", "Usage", "Verdict"]
__all__ += ["InstanceRecord", "JobRecord", "PluginRecord", "Snapshot", "VersionRecord"]


class Clock(Protocol):
    """Wall time in seconds since the epoch, monotonic seconds, and a sleep on the same clock."""

    def time(self) -> float: ...
    def monotonic(self) -> float: ...
    async def sleep(self, seconds: float) -> None: ...


# --- state ------------------------------------------------------------------------------------------------------------


class Registry(Protocol):
    """SQLite; every call is one durable transaction, run in the writer thread in the order of the calls."""

    async def load(self) -> Snapshot: ...
    async def put_job(self, job: JobRecord) -> None: ...
    async def prune_jobs(self, *, before: float) -> None: ...
    async def put_plugin(self, plugin: PluginRecord) -> None: ...
    async def drop_plugin(self, name: str) -> None: ...
    async def put_version(self, version: VersionRecord) -> None: ...
    async def drop_version(self, plugin: str, version: str) -> None: ...
    async def put_instance(self, instance: InstanceRecord) -> None: ...
    async def drop_instance(self, instance: int) -> None: ...
    async def set_generation(self, generation: int) -> None: ...


class Packages(Protocol):
    """The package store. `put` is temp, fsync, rename, fsync of the directory; putting equal bytes again is fine.

    `drop` moves aside (so that it can be undone), `discard` forgets what was moved aside, `restore` brings it back.
    """

    async def put(self, plugin: str, version: str, data: bytes) -> None: ...
    async def get(self, plugin: str, version: str) -> bytes | None: ...
    async def drop(self, plugin: str, version: str) -> None: ...
    async def restore(self, plugin: str, version: str) -> None: ...
    async def discard(self, plugin: str, version: str) -> None: ...


class TrustFile(Protocol):
    """`load` returns a refusal when the file is missing, corrupt or older than the registry's generation."""

    async def load(self, *, generation: int) -> TrustState | Refusal: ...
    async def save(self, state: TrustState) -> None: ...


class DataDirs(Protocol):
    """One `state_dir` per plugin. `drop`, `restore`, `discard` as in Packages."""

    async def make(self, plugin: str) -> None: ...
    async def drop(self, plugin: str) -> None: ...
    async def restore(self, plugin: str) -> None: ...
    async def discard(self, plugin: str) -> None: ...


class Audit(Protocol):
    """`write` never blocks and never fails; `flush` returns when all written before is durable.

    source: who saw it. by: the plugin or user who can cause any number; what is too many is only counted, and False.
    files: names and sizes, and what is known of the end. read: a piece of one.
    """

    def write(self, event: str, fields: Mapping[str, object], source: str, by: str) -> bool: ...
    async def flush(self) -> None: ...
    async def files(self) -> tuple[Sequence[tuple[str, int]], Mapping[str, str]]: ...
    async def read(self, name: str, offset: int) -> bytes: ...


class Lint(Protocol):
    """Looks at the code of a package that is to be loaded. `known` is what it said of the same bytes before, or "".

    Returns what it says now: its rules' version, then a line a finding. Raises Refused for what `policy` refuses.
    """

    async def examine(self, manifest: Manifest, tree: Tree, *, policy: Policy, known: str) -> str: ...


# --- sandbox --------------------------------------------------------------------------------------------------------


class Sandbox(Protocol):
    """From a Launch to a process. `discard` undoes any of it, at any point, and may be called twice or for nothing.

    `adopt` takes a survivor for what `spawn` would have returned. `loaded`: one that brings machine code has loaded it,
    and loads no more. `close` ends what lives, or leaves it to the next.
    """

    async def attach(self, *, on_exit: Callable[[Exit], None], on_lost: Callable[[], None]) -> Sequence[Survivor]: ...
    def next_uid(self, *, signer: str, level: str) -> int: ...
    async def prepare(self, launch: Launch) -> None: ...
    async def spawn(self, launch: Launch) -> Born: ...
    def adopt(self, launch: Launch) -> Born: ...
    async def inspect(self, instance: int) -> Mapping[str, str]: ...
    async def loaded(self, instance: int) -> Mapping[str, str]: ...
    def frozen(self, instance: int) -> bool: ...
    async def freeze(self, instance: int, *, frozen: bool) -> None: ...
    async def discard(self, instance: int) -> None: ...
    def zygotes(self) -> Sequence[tuple[str, str, str, int, int]]: ...
    def logs(self, plugin: str, lines: int) -> Sequence[str]: ...
    async def renew_keeper(self) -> None: ...
    async def close(self, *, ending: bool) -> None: ...


# --- resources ------------------------------------------------------------------------------------------------------


class Resources(Protocol):
    """Holds instances to their limits, with the kernel or in its place. `watch` asks again and again who lives, tells
    what it finds by the instance's number, in the loop, and ends when it is cancelled.
    """

    async def watch(self, subjects: Callable[[], Iterable[Subject]], tell: Callable[[int, Verdict], None]) -> None: ...
    def usage(self, subject: Subject) -> Usage: ...
    def rows(self, subjects: Iterable[Subject]) -> Iterable[Row]: ...
    def pressure(self, instance: int) -> Mapping[str, float]: ...


# --- channel -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Ready:
    """An instance's answer to `go`: what the plugin object turned out to be."""

    api: int
    hooks: tuple[str, ...]
    services: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: the unique bus name (or `exod`), and the uid the bus vouches for."""

    name: str
    uid: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """Of a plugin's service: a method's results (a list), a property's value, or that it be set to the one argument.
    Of the SDK: what it counted of its links.
    """

    kind: Literal["method", "get", "set", "links"]
    service: str
    member: str
    arguments: Sequence[Any] = ()


@dataclass(frozen=True, slots=True)
class Want:
    """What an instance asks of us: a setting, a connection, a link; `key` and `value` are the plugin's, unchecked."""

    number: int
    kind: str
    key: str
    value: Any


class Listener(Protocol):
    """What an instance says unasked."""

    def wanted(self, want: Want) -> None: ...

    def emitted(self, service: str, signal: str, arguments: Sequence[Any]) -> None: ...
    def changed(self, service: str, properties: Mapping[str, Any]) -> None: ...
    def struck(self, reason: str) -> None: ...
    def unhealthy(self, reason: str) -> None: ...


class Channel(Protocol):
    """The supervisor's end. Every call has a deadline in seconds; past it, or when the peer is gone, it raises Refused.

    `hello` waits for the birth message, proves the nonce, and returns the walls the instance reports from inside.
    `adopt` begins instead with an instance that an earlier exod let go; `passed` waits until it has heard of us, and
    returns its state. `tell` says what nobody asked; with descriptors, which stay the caller's, at once or False.
    """

    async def hello(self, *, nonce: bytes, deadline: float) -> Mapping[str, str]: ...
    async def go(self, confinement: Confinement, *, deadline: float) -> Ready: ...
    async def hook(self, name: str, arguments: Mapping[str, Any], *, deadline: float) -> Any: ...
    async def ask(self, wanted: Wanted, caller: Caller, *, deadline: float) -> Any: ...
    def adopt(self, confinement: Confinement, *, epoch: int) -> None: ...
    async def passed(self) -> str: ...
    def tell(self, frame: wire.Down, *descriptors: int) -> bool: ...
    def pause(self) -> None: ...
    def unpause(self) -> None: ...
    def close(self) -> None: ...


OpenChannel = Callable[[Any, Listener], Channel]
"""Wraps the socket of a Born; the listener is called from the loop."""


# --- face ------------------------------------------------------------------------------------------------------------


class Face(Protocol):
    """Who shows the supervisor to the world. Each call says only what changed; the face reads the new value itself."""

    def plugin(self, name: str) -> None: ...
    def instance(self, instance: int) -> None: ...
    def job(self, job: int) -> None: ...
    def daemon(self) -> None: ...
    def offer(self, plugin: str, services: Sequence[Service]) -> None: ...
    def withdraw(self, plugin: str) -> None: ...
    def emit(self, plugin: str, service: str, signal: str, arguments: Sequence[Any]) -> None: ...
    def changed(self, plugin: str, service: str, properties: Mapping[str, Any]) -> None: ...


# --- trust, as the host's administrator wrote it --------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TrustInputs:
    """What /etc/exod says today. `problems` are the files that were refused; each widens nothing.

    anchors, revocations, rotations and levels are handed to verification as they are; policies are
    `plugins.d/NAME.toml`, by plugin; sequences are those of the revocation lists that were accepted, by signer: an
    older list no longer is. unread: files that may take something away, and why nobody knows what: by plugin, whose
    policy it is; by DIRECTORY, all of them; by `revoked.toml`, what this host has revoked.
    """

    anchors: tuple[Any, ...] = ()
    revocations: Any = None
    rotations: tuple[Any, ...] = ()
    levels: Levels = field(default_factory=lambda: DEFAULTS)
    sequences: Mapping[str, int] = field(default_factory=dict)
    policies: Mapping[str, Policy] = field(default_factory=dict)
    unread: Mapping[str, Refusal] = field(default_factory=dict)
    problems: tuple[Refusal, ...] = ()


class TrustSource(Protocol):
    """Reads trust.d, the revocations and plugins.d anew at each call; a bad file becomes a problem, never a raise."""

    async def read(self, *, state: TrustState) -> TrustInputs: ...


# --- the whole world ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class World:
    """Every port, in one value: what the daemon wires once, and the simulation fakes.

    chance: `random.SystemRandom` in production, seeded in simulation.
    """

    clock: Clock
    chance: Random
    registry: Registry
    packages: Packages
    trust_file: TrustFile
    trust_source: TrustSource
    data: DataDirs
    audit: Audit
    sandbox: Sandbox
    resources: Resources
    open_channel: OpenChannel
    face: Face
    lint: Lint
