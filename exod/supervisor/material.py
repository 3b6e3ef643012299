"""What a job works with beyond its plan: the verified package and what it may reach. Lives as long as the job.

The bytes verified are the bytes stored and run: read once, here, and never re-opened.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from exod.errors import Refusal
from exod.package.archive import Tree
from exod.package.manifest import Manifest
from exod.package.options import Value
from exod.plan.confine import Confinement, Verdict
from exod.plan.steps import Plan
from exod.supervisor.ports import TrustInputs
from exod.trust.state import TrustState
from exod.trust.verify import Leave


@dataclass(frozen=True, slots=True)
class Judged:
    """A package and what verification said of it. `reasons` are for people: who signed, which scope, why accepted.

    clock: the newest time that is now known. keeps_data: whether its owner may have what the last owner left behind.
    lint: what the port of that name said of it.
    """

    data: bytes
    manifest: Manifest
    verdict: Verdict
    sequence: int
    clock: int
    anchor: str
    reasons: tuple[str, ...]
    tree: Tree
    keeps_data: bool = True
    lint: str = ""


@dataclass(frozen=True, slots=True)
class Material:
    judged: Judged
    confinement: Confinement


@dataclass(frozen=True, slots=True)
class Prepared:
    """`missing` are dependencies to load first, in order; config and old_config: complete, for a live plugin's hook."""

    plan: Plan
    material: Material | None = None
    missing: tuple[tuple[str, str], ...] = ()
    config: Mapping[str, Value] | None = None
    old_config: Mapping[str, Value] | None = None
    result: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Today:
    """Trust as it is now. strict: nothing is accepted while the revocation list is missing or stale."""

    inputs: TrustInputs
    state: TrustState
    now: int
    strict: bool = False


class Gate(Protocol):
    """Bytes → Judged | Refusal: parse, then verify against today's trust. Pure; the clock is an argument."""

    def parse(self, data: bytes) -> Any | Refusal: ...

    def manifest(self, package: Any) -> Manifest: ...

    def anchors(self, inputs: TrustInputs) -> list[Mapping[str, str]]: ...

    def judge(self, data: bytes, package: Any, *, today: Today, leave: Leave) -> Judged | Refusal: ...
