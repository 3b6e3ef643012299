"""Where the administrator's files meet verification: /etc/exod → TrustInputs, and bytes → Judged by them.

A bad file refuses only itself and becomes a problem that `Degraded` shows; it never widens what is trusted. What may
have taken something away is told apart (`unread`).
"""

import asyncio
from collections.abc import Mapping
from pathlib import Path

from exod import BUILT
from exod.errors import Refusal
from exod.package import Package
from exod.package import parse as parse_package
from exod.package.manifest import Manifest
from exod.plan import policy
from exod.plan.confine import Verdict
from exod.plan.policy import DIRECTORY, Policy
from exod.state.etcdir import Found, read_directory
from exod.supervisor.material import Judged, Today
from exod.supervisor.ports import TrustInputs
from exod.trust.gather import LOCAL, OWN, gather
from exod.trust.state import TrustState
from exod.trust.verify import Leave, Ownership, Trust, verify


class EtcTrust:
    """Implements the supervisor's TrustSource over a directory with trust.d and plugins.d."""

    def __init__(self, config: Path, *, development: bool) -> None:
        self._config = config
        self._development = development

    async def read(self, *, state: TrustState) -> TrustInputs:
        return await asyncio.to_thread(self._read, state)

    def _read(self, state: TrustState) -> TrustInputs:
        trust = read_directory(self._config / "trust.d", suffix="")
        # What may not be read (others may write it) may have taken something away, and is no empty file.
        exposed = dict.fromkeys({Path(one.evidence["path"]).name for one in trust.refusals}.intersection(OWN), b"?")
        gathered = gather(exposed | dict(trust.files), state=state, development=self._development)
        policies, refused = _policies(read_directory(self._config / DIRECTORY))
        unread = refused | ({LOCAL: gathered.unread} if gathered.unread else {})
        return TrustInputs(
            anchors=gathered.anchors,
            revocations=gathered.revocations,
            rotations=gathered.rotations,
            levels=gathered.levels,
            sequences=gathered.revocations.sequences,
            policies=policies,
            unread=unread,
            problems=(*trust.refusals, *gathered.refusals, *refused.values()),
        )


def _policies(found: Found) -> tuple[dict[str, Policy], dict[str, Refusal]]:
    """By plugin, and why some cannot be read; what is so of all of them, by DIRECTORY."""
    read = {_plugin(file): policy.parse(data, name=_plugin(file)) for file, data in found.files}
    read |= {_plugin(one.evidence["path"]): one for one in found.refusals}
    good = {name: one for name, one in read.items() if isinstance(one, Policy)}
    return good, {name: one for name, one in read.items() if isinstance(one, Refusal)}


def _plugin(path: str) -> str:
    name = Path(path).name
    return name.removesuffix(".toml") if name.endswith(".toml") else DIRECTORY


class PackageGate:
    """Implements the supervisor's Gate with real packages and real verification."""

    def __init__(self, *, development: bool) -> None:
        self._development = development

    def parse(self, data: bytes) -> Package | Refusal:
        return parse_package(data)

    def manifest(self, package: Package) -> Manifest:
        return package.manifest

    def anchors(self, inputs: TrustInputs) -> list[Mapping[str, str]]:
        return [
            {
                "name": anchor.name,
                "key": identity.key_id,
                "level": anchor.level,
                "scope": str(anchor.scope),
                "expires": "" if anchor.expires is None else str(anchor.expires),
            }
            | _revoked(inputs, identity.key_id)
            for anchor in inputs.anchors
            for identity in anchor.identities
        ]

    def judge(self, data: bytes, package: Package, *, today: Today, leave: Leave) -> Judged | Refusal:
        trust = Trust(
            anchors=today.inputs.anchors,
            state=today.state,
            revocations=today.inputs.revocations,
            rotations=today.inputs.rotations,
            development=self._development,
            built=BUILT,
            strict_revocation=today.strict,
            levels=today.inputs.levels,
        )
        verified = verify(package, trust=trust, now=today.now, leave=leave)
        if isinstance(verified, Refusal):
            return verified
        return Judged(
            data=data,
            manifest=verified.manifest,
            verdict=Verdict(digest=verified.digest, signer=verified.owner, level=verified.level),
            sequence=package.payload.sequence,
            clock=verified.clock,
            anchor=verified.anchor.name,
            reasons=verified.reasons,
            tree=package.archive.files,
            keeps_data=verified.ownership is Ownership.FIRST or verified.ownership.keeps_data,
        )


def _revoked(inputs: TrustInputs, key: str) -> dict[str, str]:
    """Why the key is revoked; nothing where it is not."""
    keys = inputs.revocations.keys if inputs.revocations is not None else {}
    return {"revoked": keys[key]} if key in keys else {}
