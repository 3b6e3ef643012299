"""What a signer is trusted for: names, types, permissions and interfaces, as plain comparisons without patterns.

A name's prefix ends at a `-`, so `net-` never covers `netcore`; names are ASCII lower case, so no fold can widen one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from exod.package.manifest import Manifest

EVERY = "*"
Ceiling = Mapping[str, tuple[str, ...]]
"""Permission → entries as the manifest spells them; `...*` is a prefix, `*` all. What is not named is not allowed."""


@dataclass(frozen=True, slots=True)
class Scope:
    """`names`: exact, or a prefix that ends at `-`; `*` only for development. `types` empty: all of them.

    `interfaces`: exact, or a prefix that ends at `.`.
    """

    names: tuple[str, ...]
    types: tuple[str, ...] = ()
    ceiling: Ceiling = field(default_factory=dict)
    interfaces: tuple[str, ...] = ()

    def lacks(self, manifest: Manifest) -> str:
        """Why the manifest does not lie within; "" where it does."""
        if not self.covers_name(manifest.name):
            return f'scope is "{self}"'
        if not self.covers_type(manifest.type):
            return f"types are {', '.join(self.types)}"
        if above := beyond(manifest, self.ceiling):
            return f"ceiling does not allow {spelt(above)}"
        foreign = self.foreign(manifest)
        return f"interfaces do not include {', '.join(foreign)}" if foreign else ""

    def covers_name(self, name: str) -> bool:
        return any(_covers_name(label, name) for label in self.names)

    def covers_type(self, kind: str) -> bool:
        return not self.types or kind in self.types

    def foreign(self, manifest: Manifest) -> tuple[str, ...]:
        """The manifest's service interfaces that lie outside the scope."""
        wanted = (service.interface for service in manifest.services)
        return tuple(one for one in wanted if not any(_covers_interface(label, one) for label in self.interfaces))

    def __str__(self) -> str:
        return ", ".join(f"{label}*" if label.endswith("-") else label for label in self.names)


def beyond(manifest: Manifest, ceiling: Ceiling) -> dict[str, tuple[str, ...]]:
    """What the manifest asks for above the ceiling."""
    above = {
        kind: tuple(one for one in entries if not any(_covers_entry(label, one) for label in ceiling.get(kind, ())))
        for kind, entries in manifest.permissions.asked().items()
    }
    return {kind: entries for kind, entries in above.items() if entries}


def spelt(asked: Ceiling) -> str:
    """`filesystem:read-only:/etc/hosts, processes`"""
    return ", ".join(kind if one == "true" else f"{kind}:{one}" for kind, some in asked.items() for one in some)


def _covers_name(label: str, name: str) -> bool:
    return label in (EVERY, name) or (label.endswith("-") and name.startswith(label))


def _covers_entry(label: str, entry: str) -> bool:
    return label == entry or (label.endswith(EVERY) and entry.startswith(label[:-1]))


def _covers_interface(label: str, interface: str) -> bool:
    return label == interface or (label.endswith(".") and interface.startswith(label))
