"""Package + trust + date → VerifiedPackage or Refusal. Opens no file, reads no clock.

The way of a package: kind of document, signer, revocation, signatures, scope, dates, owner, version, wideness.
Run again at every start, rollback, re-adoption and trust reload: yesterday's verdict says nothing about today.
"""

import datetime
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import final

from exod.errors import Refusal
from exod.package import Package
from exod.package.manifest import Manifest
from exod.package.versions import precedes
from exod.trust import rotation
from exod.trust.anchors import Anchor
from exod.trust.levels import DEFAULTS, Levels, raised
from exod.trust.revocation import Revocations
from exod.trust.rotation import Rotation
from exod.trust.scope import beyond, spelt
from exod.trust.state import TrustState
from exod.trust.widened import widened

FUTURE = 366 * 86_400
"""How far beyond this host's clock a package may be dated: its date moves the clock's floor, and a signer who could
move it by decades would expire everybody else."""


@dataclass(frozen=True)
class Trust:
    """All that a verdict rests on beside the package. `built`: when this exod was built, a floor under the clock.

    development: `exod --dev`, the only one that takes development packages and keys. strict_revocation: without a
    signed revocation list in force nothing loads; else that is reported as degraded.
    """

    anchors: tuple[Anchor, ...]
    state: TrustState
    revocations: Revocations = Revocations()
    rotations: tuple[Rotation, ...] = ()
    development: bool = False
    built: int = 0
    strict_revocation: bool = False
    levels: Levels = field(default_factory=lambda: DEFAULTS)

    @cached_property
    def by_key(self) -> Mapping[str, tuple[Anchor, ...]]:
        table: dict[str, tuple[Anchor, ...]] = {}
        for anchor in self.anchors:
            for identity in anchor.identities:
                table[identity.key_id] = (*table.get(identity.key_id, ()), anchor)
        return table

    def floor(self, now: int) -> int:
        """The clock of this host, never taken to be earlier than a time that has certainly passed."""
        return max(now, self.state.clock, self.built)


class Ownership(StrEnum):
    """How the signer came to own the name. A new owner never receives what an unrelated old one left behind."""

    FIRST = "first"
    SAME = "same"
    ROTATED = "rotated"
    REPLACED = "replaced"

    @property
    def keeps_data(self) -> bool:
        return self in (Ownership.SAME, Ownership.ROTATED)


@final
@dataclass(frozen=True, slots=True, init=False)
class VerifiedPackage:
    """A proof: only `verify` makes one. `signers` are key ids, the owner first; `clock` is the newest time now known;
    `reasons` say who signed, within which scope, why it was accepted; `degraded` what could not be known."""

    package: Package
    signers: tuple[str, ...]
    anchor: Anchor
    ownership: Ownership
    clock: int
    reasons: tuple[str, ...]
    degraded: tuple[str, ...]

    def __init__(self) -> None:
        raise TypeError("internal error: a package is verified by exod.trust.verify.verify, not by saying so")

    @property
    def owner(self) -> str:
        return self.signers[0]

    @property
    def level(self) -> str:
        return self.anchor.level

    @property
    def manifest(self) -> Manifest:
        return self.package.manifest

    @property
    def digest(self) -> str:
        return self.package.digest


@dataclass(frozen=True, slots=True)
class Leave:
    """What whoever loads a package allows. downgrade: this version was asked for by name. consent: a person saw the
    difference (another owner, wider asks) and agreed. installed: the manifest that it would follow."""

    downgrade: bool = False
    consent: bool = False
    installed: Manifest | None = None


NONE = Leave()


@dataclass(frozen=True)
class _Case:
    """One question being answered. `clock` counts the package's own date once its signature holds."""

    package: Package
    trust: Trust
    now: int
    leave: Leave

    @cached_property
    def clock(self) -> int:
        # Held against what nobody signs: package by package a signer would carry the recorded clock by decades.
        believed = min(self.package.payload.issued, max(self.now, self.trust.built) + FUTURE)
        return max(self.trust.floor(self.now), believed)

    @property
    def signer(self) -> str:
        return self.package.payload.signer

    @cached_property
    def wider(self) -> str:
        """What it asks for beyond what is installed, as it is told to people."""
        return "; ".join(widened(self.leave.installed, self.package.manifest)) if self.leave.installed else ""

    def refuse(self, code: str, reason: str, *, hint: str = "", **evidence: str) -> Refusal:
        name, version = self.package.name, self.package.version
        facts = {"name": name, "version": version, "signer": self.signer, **evidence}
        return Refusal(code, f"cannot load {name} {version}: {reason}", hint, facts)


def verify(package: Package, *, trust: Trust, now: int, leave: Leave = NONE) -> VerifiedPackage | Refusal:
    """`now` in seconds since the epoch."""
    case = _Case(package, trust, now, leave)
    if refusal := _document(case) or _revoked(case):
        return refusal
    anchors = _known(case)
    if isinstance(anchors, Refusal):
        return anchors
    best: Refusal | None = None
    for anchor in anchors:
        signers = _signatures(case, anchor)
        refusal = signers if isinstance(signers, Refusal) else _scope(case, anchor) or _dates(case, anchor)
        if isinstance(signers, tuple) and refusal is None:
            return _accept(case, anchor, signers)
        best = best or refusal
    assert best is not None
    return best


def _document(case: _Case) -> Refusal | None:
    """PACKAGE.md, Signature: the kind of document is compared before any key is looked at."""
    if case.package.development and not case.trust.development:
        hint = f"exoctl package sign {case.package.file_name} --key KEY"
        return case.refuse("dev-package", "it is a development package, and this is not `exod --dev`", hint=hint)
    return None


def _revoked(case: _Case) -> Refusal | None:
    lists = case.trust.revocations
    if case.signer in lists.keys:
        reason = lists.keys[case.signer]
        told = f": {reason}" if reason else ""
        return case.refuse("signer-revoked", f"the key {case.signer[:12]} that signed it is revoked{told}")
    if case.package.digest in lists.packages:
        return case.refuse("package-revoked", "this package is revoked", sha256=case.package.digest)
    stale = lists.stale(now=case.trust.floor(case.now))
    if stale and case.trust.strict_revocation:
        return case.refuse("revocation-stale", stale, hint="exoctl key list")
    return None


def _known(case: _Case) -> tuple[Anchor, ...] | Refusal:
    """The anchors that know the signer. A development key answers for development packages, and for nothing else."""
    development = case.package.development
    anchors = tuple(one for one in case.trust.by_key.get(case.signer, ()) if (one.level == "dev") is development)
    if not anchors:
        hint = _trusting(case, name="NAME")
        return case.refuse("signer-unknown", f"nobody here trusts the key {case.signer[:12]} that signed it", hint=hint)
    return anchors


def _trusting(case: _Case, *, name: str) -> str:
    """The command that trusts the signer for all that this package asks for and offers, and no more."""
    manifest = case.package.manifest
    words = [f"exoctl key trust KEY.pub --name {name} --scope {manifest.name}"]
    words += [f"--interface {one}" for one in sorted({service.interface for service in manifest.services})]
    # Entries are the package's own words, and this line is there to be pasted into a shell.
    for kind, entries in manifest.permissions.asked().items():
        words += [f"--allow {shlex.quote(kind if one == 'true' else f'{kind}={one}')}" for one in entries]
    return " ".join(words)


def _signatures(case: _Case, anchor: Anchor) -> tuple[str, ...] | Refusal:
    """The distinct identities of this anchor that signed, the owner first. One bad signature of theirs spoils all."""
    message = case.package.envelope.pae()
    valid: list[str] = []
    for signature in case.package.envelope.signatures:
        identity = anchor.identity(signature.key_id)
        if identity is None or identity.key_id in case.trust.revocations.keys:
            continue
        if not identity.verify(message, sig=signature.sig):
            reason = f"its signature by {anchor.name} does not verify"
            return case.refuse("signature-invalid", reason, anchor=anchor.name, key=identity.key_id)
        valid.append(identity.key_id)
    if case.signer not in valid:
        return case.refuse("signature-missing", f"{anchor.name}, whom it names as its signer, has not signed it")
    if len(valid) < anchor.threshold:
        reason = f"{len(valid)} of the {anchor.threshold} signatures that {anchor.name} asks for"
        return case.refuse("below-threshold", reason, anchor=anchor.name)
    return (case.signer, *sorted(set(valid) - {case.signer}))


def _scope(case: _Case, anchor: Anchor) -> Refusal | None:
    if lacking := anchor.scope.lacks(case.package.manifest):
        reason = f"signed by {anchor.name}, whose {lacking}"
        hint = _trusting(case, name=f"{anchor.name}-{case.package.name}")
        return case.refuse("signer-out-of-scope", reason, hint=hint, anchor=anchor.name)
    levels, level = case.trust.levels, anchor.level
    if above := beyond(case.package.manifest, levels.get(level, {})):
        reason = f"signed by {anchor.name} of level {level}, whose ceiling does not allow {spelt(above)}"
        return case.refuse("above-level", reason, hint=raised(levels, level, above), anchor=anchor.name, level=level)
    return None


def _dates(case: _Case, anchor: Anchor) -> Refusal | None:
    """PACKAGE.md, Trust: against a clock that never runs back."""
    payload, floor = case.package.payload, case.trust.floor(case.now)
    if payload.issued > floor + FUTURE:
        reason = f"it was issued on {_date(payload.issued)}, and this host's clock says {_date(floor)}"
        return case.refuse("clock-behind", reason, hint="timedatectl")
    if anchor.expires is not None and anchor.expires <= case.clock:
        reason = f"trust in {anchor.name} ended on {_date(anchor.expires)}"
        return case.refuse("signer-expired", reason, hint="exoctl key list", anchor=anchor.name)
    if payload.expires is not None and payload.expires <= case.clock:
        return case.refuse("package-expired", f"it expired on {_date(payload.expires)}", hint="get a newer version")
    return None


def _accept(case: _Case, anchor: Anchor, signers: tuple[str, ...]) -> VerifiedPackage | Refusal:
    """Who may sign has; now: may this owner, this version, this much?"""
    ownership = _ownership(case)
    if ownership is Ownership.REPLACED and not case.leave.consent:
        return _differs(case, anchor)
    if refusal := _mark(case) or _wider(case):
        return refusal
    stale = case.trust.revocations.stale(now=case.clock)
    verified = object.__new__(VerifiedPackage)
    values = (case.package, signers, anchor, ownership, case.clock, _reasons(anchor, signers, ownership))
    for name, value in zip(VerifiedPackage.__slots__, (*values, (stale,) if stale else ()), strict=True):
        object.__setattr__(verified, name, value)
    return verified


def _ownership(case: _Case) -> Ownership:
    name, owner = case.package.name, case.trust.state.owners.get(case.package.name, "")
    if not owner:
        return Ownership.FIRST
    if owner == case.signer:
        return Ownership.SAME
    revoked = case.trust.revocations.keys
    handed = rotation.leads(case.trust.rotations, name, old=owner, new=case.signer, revoked=revoked)
    return Ownership.ROTATED if handed else Ownership.REPLACED


def _differs(case: _Case, anchor: Anchor) -> Refusal:
    owner = case.trust.state.owners[case.package.name]
    reason = f"it is signed by {anchor.name} ({case.signer[:12]}), its owner is {owner[:12]}"
    hint = f"exoctl plugin load {case.package.file_name} --consent"
    return case.refuse("owner-differs", reason, hint=hint, owner=owner, anchor=anchor.name, difference=case.wider)


def _mark(case: _Case) -> Refusal | None:
    """PACKAGE.md, Trust: a high-water mark per name and owner."""
    mark = case.trust.state.mark(case.package.name, owner=case.signer)
    if mark and precedes(case.package.version, mark) and not case.leave.downgrade:
        hint = f"exoctl plugin load {case.package.file_name} --downgrade"
        return case.refuse("downgrade", f"version {mark} was installed before", hint=hint, mark=mark)
    return None


def _wider(case: _Case) -> Refusal | None:
    if case.leave.installed is None or not case.wider or case.leave.consent:
        return None
    reason = f"it asks for more than {case.leave.installed.version}: {case.wider}"
    hint = f"exoctl plugin load {case.package.file_name} --consent"
    return case.refuse("widened", reason, hint=hint, difference=case.wider)


def _reasons(anchor: Anchor, signers: tuple[str, ...], ownership: Ownership) -> tuple[str, ...]:
    who = ", ".join(signer[:12] for signer in signers)
    own = {
        Ownership.FIRST: "first of its name: the signer becomes its owner",
        Ownership.SAME: "the signer is its owner",
        Ownership.ROTATED: "the owner handed its name to this signer",
        Ownership.REPLACED: "the owner changed with consent; its data is not handed on",
    }
    return (
        f"signed by {anchor.name} ({who}), both halves of each pair",
        f'level {anchor.level}, scope "{anchor.scope}", threshold {anchor.threshold}',
        own[ownership],
    )


def _date(moment: int) -> str:
    return f"{datetime.datetime.fromtimestamp(moment, tz=datetime.UTC):%Y-%m-%d}"
