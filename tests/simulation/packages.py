"""Fake packages, as bytes that the fake gate parses: a manifest's fields and how the plugin inside behaves."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any

from exod.errors import Refusal
from exod.package.limits import Limits
from exod.package.manifest import Dependency, Entry, Manifest
from exod.package.options import Option
from exod.package.permissions import FileAccess, Permissions
from exod.package.services import Method, Property, Service
from exod.plan.confine import Verdict
from exod.supervisor.material import Judged, Today
from exod.supervisor.ports import TrustInputs
from exod.trust.scope import beyond, spelt
from exod.trust.verify import Leave


@dataclass(frozen=True, slots=True)
class Kit:
    """What a fake package says and does. `behaviour` is read by the fake fleet: see `fleet.Behaviour`."""

    name: str = "hello"
    version: str = "1.0.0"
    signer: str = "alice"
    level: str = "trusted"
    sequence: int = 1
    needs: tuple[tuple[str, str, bool], ...] = ()
    files: tuple[str, ...] = ()
    network: tuple[str, ...] = ()
    custom: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    native: bool = False
    critical: bool = False
    services: bool = True
    storage: int = 1 << 20
    behaviour: Mapping[str, Any] = field(default_factory=dict)

    def data(self) -> bytes:
        fields = {name: getattr(self, name) for name in self.__slots__}
        return json.dumps(fields, sort_keys=True).encode()

    def but(self, **changes: Any) -> "Kit":
        return replace(self, **changes)


def unpack(data: bytes) -> Kit:
    table = json.loads(data)
    table["needs"] = tuple((name, span, optional) for name, span, optional in table["needs"])
    return Kit(**table | {name: tuple(table[name]) for name in ("files", "network", "custom", "writes", "settings")})


OPTIONS = (
    Option("interval", "number", 1.0, minimum=0.1, help="seconds"),
    Option("word", "string", "hello", help="what it says"),
)

SERVICE = Service(
    name="hello",
    interface="org.example.Hello1",
    access="any",
    methods=(Method("Greet", "s", "s"), Method("Die", "", "")),
    properties=(Property("Count", "u"), Property("Word", "s", "readwrite")),
)


def manifest(kit: Kit) -> Manifest:
    return Manifest(
        name=kit.name,
        version=kit.version,
        type="custom",
        summary=f"fake {kit.name}",
        license="Apache-2.0",
        entry=Entry("python", "main:Main"),
        critical=kit.critical,
        dependencies=tuple(Dependency(name, span, optional=optional) for name, span, optional in kit.needs),
        permissions=Permissions(
            filesystem=(
                *(FileAccess("read-only", path) for path in kit.files),
                *(FileAccess("read-write", path) for path in kit.writes),
            ),
            network=kit.network,
            custom=kit.custom,
            config=kit.settings,
            native=kit.native,
        ),
        limits=Limits(storage=kit.storage, call_time=2.0),
        config=OPTIONS,
        services=(SERVICE,) if kit.services else (),
    )


class FakeGate:
    """Anchors are signers' names; an owner is kept as in the real one; a mark refuses older versions."""

    def parse(self, data: bytes) -> Any:
        try:
            return unpack(data)
        except (ValueError, KeyError, TypeError):
            return Refusal("package-malformed", "cannot read package: it is no package")

    def manifest(self, package: Kit) -> Manifest:
        return manifest(package)

    def anchors(self, inputs: TrustInputs) -> list[Mapping[str, str]]:
        return [{"name": name} for name in inputs.anchors]

    def judge(self, data: bytes, package: Kit, *, today: Today, leave: Leave) -> Any:
        state, installed, consent = today.state, leave.installed, leave.consent
        what = f"cannot load {package.name} {package.version}: "
        if package.signer not in today.inputs.anchors:
            return Refusal("signer-unknown", what + f"signed by {package.signer}, who is not trusted")
        if above := beyond(manifest(package), today.inputs.levels.get(package.level, {})):
            return Refusal("above-level", what + f"level {package.level} does not allow {spelt(above)}")
        if state.owners.get(package.name, package.signer) != package.signer and not consent:
            return Refusal("other-owner", what + "it is owned by another signer")
        if installed is not None and package.storage > installed.limits.storage and not consent:
            return Refusal("widened", what + "it asks for more than before")
        if not leave.downgrade and _key(package.version) < _key(state.mark(package.name, owner=package.signer) or "0"):
            return Refusal("downgrade", what + "a newer version was installed before")
        verdict = Verdict(sha256(data).hexdigest(), package.signer, package.level)
        tree = {"code/main.py": (data, False)}
        same = state.owners.get(package.name, package.signer) == package.signer
        return Judged(
            data,
            manifest(package),
            verdict,
            package.sequence,
            today.now,
            package.signer,
            ("signed",),
            tree,
            keeps_data=same,
        )


def _key(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
