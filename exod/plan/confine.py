"""VerifiedPackage + policy → Confinement, or a refusal that names the permission exod cannot or may not grant.

Pure: reads no file and no clock. The sandbox builds exactly what a Confinement says; what people are shown of a
plugin's rights is computed from it, so that shown and enforced cannot differ.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum

from exod.errors import Refusal
from exod.package.limits import Limits
from exod.package.manifest import Manifest
from exod.package.options import Value
from exod.package.permissions import Permissions
from exod.package.services import Service
from exod.package.versions import contains, is_range
from exod.plan.policy import Policy

Layer = IntEnum(
    "Layer",
    "SIGNALS PIDS IPC HOST_NAME CGROUPS NETWORK MOUNTS ROOT SEALED LIMITS KEYRING OWN_UID USERS CAPABILITIES"
    " DESCRIPTORS NO_NEW_PRIVILEGES NO_NEW_CODE LANDLOCK SECCOMP",
    start=0,
)
"""What an instance's walls are made of, each by its bit in a fork request. _walls.h has the same list."""

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
    layers: frozenset[Layer] = LAYERS
    writable: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Host:
    """What a manifest's `platform` may ask of this machine: `uname -m`, `uname -r`. It has no features yet."""

    arch: str
    kernel: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What verification says of a package, as far as confining it needs: whose it is, and how much that signer may."""

    digest: str
    signer: str
    level: str


SERVED = frozenset(["config", "custom"])
"""Permissions that exod answers for at each use; the others are the kernel's once an instance has them."""
_BUILT = ("filesystem", "network", "ipc", "processes", "native", *SERVED)


def confine(
    manifest: Manifest, *, verdict: Verdict, policy: Policy, config: Mapping[str, Value], host: Host
) -> Confinement | Refusal:
    """All that an instance of this package gets, or why it gets nothing."""
    permissions = policy.narrow(manifest.permissions)
    if refusal := _platform(manifest, host) or _unbuilt(manifest, permissions) or _acl(manifest, policy):
        return refusal
    return Confinement(
        plugin=manifest.name,
        version=manifest.version,
        type=manifest.type,
        digest=verdict.digest,
        signer=verdict.signer,
        level=verdict.level,
        entry=manifest.entry.target,
        files=_paths(permissions, "read-only"),
        writable=_paths(permissions, "read-write"),
        limits=manifest.limits,
        services=tuple(_narrowed(service, policy) for service in manifest.services),
        config=config,
        permissions=permissions.asked(),
        critical=manifest.critical and policy.critical,
    )


def taken(before: Mapping[str, Sequence[str]], now: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    """Of the permissions of before, those that are not among today's."""
    gone = {name: tuple(one for one in held if one not in now.get(name, ())) for name, held in before.items()}
    return {name: entries for name, entries in gone.items() if entries}


def _narrowed(service: Service, policy: Policy) -> Service:
    access = policy.access(service.access, service.name)
    own = {one.name: policy.access(access, f"{service.name}.{one.name}") for one in service.methods}
    methods = tuple(one if own[one.name] == access else replace(one, access=own[one.name]) for one in service.methods)
    return replace(service, access=access, methods=methods)


def _acl(manifest: Manifest, policy: Policy) -> Refusal | None:
    """A rule for what is not there would protect nothing, and nobody would notice."""
    known = {service.name for service in manifest.services}
    known |= {f"{service.name}.{method.name}" for service in manifest.services for method in service.methods}
    for subject in policy.acl:
        if subject not in known:
            reason = f'plugins.d/{manifest.name}.toml has an acl of "{subject}", which it does not offer'
            return _refuse(manifest, "acl-of-nothing", reason, subject=subject)
    return None


def _refuse(manifest: Manifest, code: str, reason: str, **evidence: str) -> Refusal:
    sentence = f"cannot load {manifest.name} {manifest.version}: {reason}"
    return Refusal(code, sentence, f"exoctl package inspect {manifest.name}_{manifest.version}.exopkg", evidence)


def _platform(manifest: Manifest, host: Host) -> Refusal | None:
    wanted = manifest.platform
    if wanted.arch and host.arch not in wanted.arch:
        return _refuse(manifest, "wrong-platform", f"it is for {', '.join(wanted.arch)}, this host is {host.arch}")
    if wanted.features:
        return _refuse(manifest, "wrong-platform", f"it needs {wanted.features[0]}, which this host lacks")
    if wanted.kernel and not _kernel_fits(wanted.kernel, host.kernel):
        return _refuse(manifest, "wrong-platform", f"it needs kernel {wanted.kernel}, this host runs {host.kernel}")
    return None


def _kernel_fits(wanted: str, release: str) -> bool:
    """`6.1` means at least that; `>=6.1,<7` is taken as written. `6.18.5-amd64` counts as 6.18.5."""
    number = re.match(r"\d+(\.\d+)*", release)
    text = wanted if wanted[0] in "<>=!~" else f">={wanted}"
    return number is not None and is_range(text) and contains(text, number.group())


def _unbuilt(manifest: Manifest, permissions: Permissions) -> Refusal | None:
    """What cannot be enforced or run yet is refused by name, never silently ignored."""
    lacking = [name for name in permissions.asked() if name not in _BUILT]
    lacking += ["a sandbox that is not strict"] * (not manifest.permissions.strict)
    lacking += [manifest.entry.kind] * (manifest.entry.kind != "python")
    if not lacking:
        return None
    reason = f"it asks for {lacking[0]}, which this exod cannot enforce yet"
    return _refuse(manifest, "permission-not-built", reason, permission=lacking[0])


def _paths(permissions: Permissions, mode: str) -> tuple[str, ...]:
    return tuple(access.path for access in permissions.filesystem if access.mode == mode)
