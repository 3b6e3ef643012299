"""VerifiedPackage + policy → Confinement, or a refusal that names the permission exod cannot or may not grant.

Pure: reads no file and no clock. The sandbox builds exactly what a Confinement says; what people are shown of a
plugin's rights is computed from it, so that shown and enforced cannot differ.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

from exod.errors import Refusal
from exod.names import API_LEVEL
from exod.package.limits import Limits
from exod.package.manifest import Manifest
from exod.package.options import Value
from exod.package.permissions import FileAccess
from exod.package.services import Service
from exod.package.versions import contains, is_range
from exod.plan.policy import Policy


class Layer(IntEnum):
    """What an instance's walls are made of, each by its bit in a fork request. _walls.h has the same list."""

    SIGNALS = 0
    PIDS = 1
    IPC = 2
    HOST_NAME = 3
    CGROUPS = 4
    NETWORK = 5
    MOUNTS = 6
    ROOT = 7
    SEALED = 8
    LIMITS = 9
    KEYRING = 10
    OWN_UID = 11
    USERS = 12
    CAPABILITIES = 13
    DESCRIPTORS = 14
    NO_NEW_PRIVILEGES = 15
    NO_NEW_CODE = 16
    LANDLOCK = 17
    SECCOMP = 18


LAYERS = frozenset(Layer)


@dataclass(frozen=True, slots=True)
class Confinement:
    """All that one instance may reach. `files` and `writable` are files and directories of the host, each bound
    at its own path without what is mounted below it: to be read, and to be read and written as their owner.

    `layers` is always all of them; tests build a Confinement without one, to see what it was that held an attack.
    """

    plugin: str
    version: str
    type: str
    digest: str
    signer: str
    level: str
    entry: str
    files: tuple[str, ...]
    limits: Limits
    services: tuple[Service, ...]
    config: Mapping[str, Value]
    permissions: Mapping[str, tuple[str, ...]]
    critical: bool = False
    strict: bool = True
    layers: frozenset[Layer] = LAYERS
    writable: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Host:
    """What a manifest's `platform` may ask of this machine: `uname -m`, `uname -r`, and features by name."""

    arch: str
    kernel: str
    features: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What verification says of a package, as far as confining it needs: whose it is, and how much that signer may."""

    digest: str
    signer: str
    level: str


OPEN_FILES = frozenset(
    [
        *(f"/proc/{name}" for name in ("stat", "meminfo", "loadavg", "uptime", "1/net/dev")),
        *(f"/proc/pressure/{name}" for name in ("cpu", "memory", "io")),
    ]
)
"""The closed list of SECURITY.md, "File system": the only files below a closed root that may be granted."""

CLOSED_ROOTS = (
    *("/proc", "/sys", "/dev", "/run", "/var/run", "/boot", "/etc/exod", "/var/lib/exod"),
    *("/etc/shadow", "/etc/shadow-", "/etc/gshadow", "/etc/gshadow-"),
)
"""Not grantable whatever the ceiling: kernel interfaces, sockets, the store, secrets. /var/run is a link to /run."""


def confine(
    manifest: Manifest, *, verdict: Verdict, policy: Policy, config: Mapping[str, Value], host: Host
) -> Confinement | Refusal:
    """All that an instance of this package gets, or why it gets nothing."""
    refusal = _entry(manifest) or _api(manifest) or _platform(manifest, host)
    refusal = refusal or _unbuilt(manifest) or _files(manifest, policy)
    if refusal is not None:
        return refusal
    return Confinement(
        plugin=manifest.name,
        version=manifest.version,
        type=manifest.type,
        digest=verdict.digest,
        signer=verdict.signer,
        level=verdict.level,
        entry=manifest.entry.target,
        files=_paths(manifest, "read-only"),
        writable=_paths(manifest, "read-write"),
        limits=manifest.limits,
        services=manifest.services,
        config=config,
        permissions=manifest.permissions.asked(),
        critical=manifest.critical and policy.critical,
        strict=manifest.permissions.strict,
    )


def _refuse(manifest: Manifest, code: str, reason: str, **evidence: str) -> Refusal:
    sentence = f"cannot load {manifest.name} {manifest.version}: {reason}"
    return Refusal(code, sentence, f"exoctl package inspect {manifest.name}_{manifest.version}.exopkg", evidence)


def _entry(manifest: Manifest) -> Refusal | None:
    if manifest.entry.kind == "python":
        return None
    reason = f"its entry is {manifest.entry.kind}, which this exod cannot run yet"
    return _refuse(manifest, "permission-not-built", reason, permission=manifest.entry.kind)


def _api(manifest: Manifest) -> Refusal | None:
    if manifest.api <= API_LEVEL:
        return None
    reason = f"it needs plugin API {manifest.api}, this exod serves {API_LEVEL}"
    return _refuse(manifest, "api-too-new", reason, needs=str(manifest.api), serves=str(API_LEVEL))


def _platform(manifest: Manifest, host: Host) -> Refusal | None:
    wanted = manifest.platform
    if wanted.arch and host.arch not in wanted.arch:
        return _refuse(manifest, "wrong-platform", f"it is for {', '.join(wanted.arch)}, this host is {host.arch}")
    missing = [feature for feature in wanted.features if feature not in host.features]
    if missing:
        return _refuse(manifest, "wrong-platform", f"it needs {missing[0]}, which this host lacks")
    if wanted.kernel and not _kernel_fits(wanted.kernel, host.kernel):
        return _refuse(manifest, "wrong-platform", f"it needs kernel {wanted.kernel}, this host runs {host.kernel}")
    return None


def _kernel_fits(wanted: str, release: str) -> bool:
    """`6.1` means at least that; `>=6.1,<7` is taken as written. `6.18.5-amd64` counts as 6.18.5."""
    number = re.match(r"\d+(\.\d+)*", release)
    text = wanted if wanted[0] in "<>=!~" else f">={wanted}"
    return number is not None and is_range(text) and contains(text, number.group())


def _unbuilt(manifest: Manifest) -> Refusal | None:
    """Every permission but files: asked for is refused by name, never silently ignored."""
    for name in manifest.permissions.asked():
        if name != "filesystem":
            return _not_built(manifest, name)
    if not manifest.permissions.strict:
        return _not_built(manifest, "a sandbox that is not strict")
    return None


def _not_built(manifest: Manifest, what: str) -> Refusal:
    reason = f"it asks for {what}, which this exod cannot enforce yet"
    return _refuse(manifest, "permission-not-built", reason, permission=what)


def _files(manifest: Manifest, policy: Policy) -> Refusal | None:
    accesses = manifest.permissions.filesystem
    denied = [name for name in manifest.permissions.asked() if name in policy.deny]
    if denied:
        reason = f"it asks for {denied[0]}, which plugins.d/{manifest.name}.toml denies"
        return _refuse(manifest, "permission-denied", reason, permission=denied[0])
    for place, access in enumerate(accesses):
        refusal = _file(manifest, access, policy) or _nested(manifest, access, accesses[:place])
        if refusal is not None:
            return refusal
    return None


def _paths(manifest: Manifest, mode: str) -> tuple[str, ...]:
    return tuple(access.path for access in manifest.permissions.filesystem if access.mode == mode)


def _nested(manifest: Manifest, access: FileAccess, others: tuple[FileAccess, ...]) -> Refusal | None:
    """One mount would lie over the other: what is asked for, and what the plugin would see, could differ."""
    for other in others:
        if overlap(access.path, other.path):
            reason = f"it asks for {other} and for {access}, one of which holds the other"
            return _refuse(manifest, "permission-refused", reason, permission=str(access))
    return None


def _file(manifest: Manifest, access: FileAccess, policy: Policy) -> Refusal | None:
    path = access.path
    if not path.startswith("/") or path.endswith("/") or {"", ".", ".."} & set(path[1:].split("/")):
        return _refuse(
            manifest, "permission-refused", f"{path} is not the plain path of a file or directory", permission=path
        )
    if access.mode != "read-only" and path in OPEN_FILES:
        return _refuse(manifest, "permission-refused", f"{path} is only ever read", permission=path)
    if path not in OPEN_FILES and any(overlap(path, root) for root in CLOSED_ROOTS):
        return _refuse(manifest, "permission-refused", f"{path} is never granted to a plugin", permission=path)
    if policy.files is not None and not {path, str(access)} & set(policy.files):
        reason = f"it asks for {access}, which plugins.d/{manifest.name}.toml does not grant"
        return _refuse(manifest, "permission-denied", reason, permission=path)
    return None


def overlap(one: str, other: str) -> bool:
    """Whether they are the same, or one lies below the other."""
    return f"{one}/".startswith(f"{other}/") or f"{other}/".startswith(f"{one}/")
