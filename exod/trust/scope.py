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
        if not any(_covers(label, manifest.name, end=("-", EVERY)) for label in self.names):
            return f'scope is "{self}"'
        if self.types and manifest.type not in self.types:
            return f"types are {', '.join(self.types)}"
        if above := beyond(manifest, self.ceiling):
            return f"ceiling does not allow {spelt(above)}"
        wanted = [service.interface for service in manifest.services]
        foreign = [one for one in wanted if not any(_covers(label, one, end=".") for label in self.interfaces)]
        return f"interfaces do not include {', '.join(foreign)}" if foreign else ""

    def __str__(self) -> str:
        return ", ".join(f"{label}*" if label.endswith("-") else label for label in self.names)


def beyond(manifest: Manifest, ceiling: Ceiling) -> dict[str, tuple[str, ...]]:
    """What the manifest asks for above the ceiling."""
    above = {
        kind: tuple(
            one for one in entries if not any(_covers(label, one, end=EVERY) for label in ceiling.get(kind, ()))
        )
        for kind, entries in manifest.permissions.asked().items()
    }
    return {kind: entries for kind, entries in above.items() if entries}


def spelt(asked: Ceiling) -> str:
    """`filesystem:read-only:/etc/hosts, processes`"""
    return ", ".join(kind if one == "true" else f"{kind}:{one}" for kind, some in asked.items() for one in some)


def _covers(label: str, text: str, *, end: str | tuple[str, ...]) -> bool:
    """Exact, or a prefix where the label ends with one of `end`; a star is the end of a prefix, and no part of it."""
    return label == text or (label.endswith(end) and text.startswith(label.removesuffix(EVERY)))
