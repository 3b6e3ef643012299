"""What a signer is trusted for: names, types, permissions and interfaces, as plain comparisons without patterns.

A name's prefix ends at a `-`, so `net-` never covers `netcore`; names are ASCII lower case, so no fold can widen one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from exod.package.manifest import Manifest

EVERY = "*"


@dataclass(frozen=True, slots=True)
class Scope:
    """`names`: exact, or a prefix that ends at `-`; `*` only for development. `types` empty: all of them.

    `ceiling`: permission → entries as the manifest spells them; `...*` is a prefix, `*` all. What is not named there
    is not allowed. `interfaces`: exact, or a prefix that ends at `.`.
    """

    names: tuple[str, ...]
    types: tuple[str, ...] = ()
    ceiling: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    interfaces: tuple[str, ...] = ()

    def lacks(self, manifest: Manifest) -> str:
        """Why the manifest does not lie within; "" where it does."""
        if not self.covers_name(manifest.name):
            return f'scope is "{self}"'
        if not self.covers_type(manifest.type):
            return f"types are {', '.join(self.types)}"
        if beyond := self.beyond(manifest):
            return f"ceiling does not allow {', '.join(beyond)}"
        foreign = self.foreign(manifest)
        return f"interfaces do not include {', '.join(foreign)}" if foreign else ""

    def covers_name(self, name: str) -> bool:
        return any(_covers_name(label, name) for label in self.names)

    def covers_type(self, kind: str) -> bool:
        return not self.types or kind in self.types

    def beyond(self, manifest: Manifest) -> tuple[str, ...]:
        """What the manifest asks for above the ceiling, in the manifest's spelling."""
        asked = manifest.permissions.asked()
        return tuple(
            f"{permission}:{entry}" if entry != "true" else permission
            for permission, entries in asked.items()
            for entry in entries
            if not any(_covers_entry(label, entry) for label in self.ceiling.get(permission, ()))
        )

    def foreign(self, manifest: Manifest) -> tuple[str, ...]:
        """The manifest's service interfaces that lie outside the scope."""
        wanted = (service.interface for service in manifest.services)
        return tuple(one for one in wanted if not any(_covers_interface(label, one) for label in self.interfaces))

    def __str__(self) -> str:
        return ", ".join(f"{label}*" if label.endswith("-") else label for label in self.names)


def _covers_name(label: str, name: str) -> bool:
    return label in (EVERY, name) or (label.endswith("-") and name.startswith(label))


def _covers_entry(label: str, entry: str) -> bool:
    return label == entry or (label.endswith(EVERY) and entry.startswith(label[:-1]))


def _covers_interface(label: str, interface: str) -> bool:
    return label == interface or (label.endswith(".") and interface.startswith(label))
