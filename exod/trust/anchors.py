"""One file of trust.d ↔ Anchor: an identity (or several), how far it is trusted, for what, and until when.

Refuses unknown keys, a threshold below 1 or above the number of identities, an identity that shares half a pair with
another, a scope label that is neither a name nor a prefix ending at `-`. Absent permissions and interfaces mean none.
"""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from exod.errors import Refusal
from exod.names import PLUGIN_TYPES, is_name
from exod.package.document import read
from exod.package.fields import Choice, Field, Flag, List, Parsed, Schema, Table, Text, Whole, wrong
from exod.package.malformed import MalformedError
from exod.trust.keys import Identity
from exod.trust.scope import EVERY, Ceiling, Scope

MAX_BYTES = 64 << 10
IDENTITIES_MAX = 8
LABELS_MAX = 256


@dataclass(frozen=True)
class Anchor:
    """`name` is the file's; `level` vendor, trusted or dev; `expires` in seconds since the epoch, None for never."""

    name: str
    level: str
    identities: tuple[Identity, ...]
    scope: Scope
    expires: int | None = None
    threshold: int = 1

    def identity(self, key_id: str) -> Identity | None:
        return next((one for one in self.identities if one.key_id == key_id), None)


def parse(data: bytes, *, name: str) -> Anchor | Refusal:
    try:
        return _anchor(name, read(data, _TABLE, limit=MAX_BYTES))
    except MalformedError as fault:
        return fault.refusal(f"anchor {name}", code="anchor-malformed")


def _anchor(name: str, row: dict[str, Any]) -> Anchor:
    identities = row["identities"] + ((row["identity"],) if row["identity"] else ())
    if not 1 <= len(identities) <= IDENTITIES_MAX:
        raise wrong("identity", f"expected 1 to {IDENTITIES_MAX} identities")
    for half in ("ed25519", "mldsa"):
        if len({getattr(one, half) for one in identities}) != len(identities):
            raise wrong("identities", "two of them share a key: they are one signer, not two")
    if row["threshold"] > len(identities):
        raise wrong("threshold", f"{row['threshold']} of {len(identities)} identities can never be reached")
    if EVERY in row["scope"] and row["level"] != "dev":
        raise wrong("scope", "only a development key may cover every name")
    allowed = {kind: entries for kind, entries in ceiling(row["ceiling"]).items() if entries}
    scope = Scope(row["scope"], row["types"], allowed, row["interfaces"])
    return Anchor(name, row["level"], identities, scope, row["expires"], row["threshold"])


def ceiling(row: Mapping[str, Any]) -> Ceiling:
    """What of it was said, as it is compared."""
    given = {key: value for key, value in row.items() if value is not None}
    return {key: value if isinstance(value, tuple) else TRUE * value for key, value in given.items()}


def label(text: str) -> str | None:
    """A scope's label in its one inner form: `hello`, or `sensor-` for `sensor-*`; `*` for every name."""
    plain = text.removesuffix(EVERY) if text.endswith("-*") else text
    return plain if plain == EVERY or is_name(plain.removesuffix("-")) else None


def _identity(text: str) -> Identity | None:
    identity = Identity.decode(text)
    return None if isinstance(identity, Refusal) else identity


class _Moment:
    """A date (from its first second, UTC) or a date and time with offset."""

    def read(self, value: object, *, at: str) -> int:
        if isinstance(value, datetime.datetime) and value.tzinfo is not None:
            return int(value.timestamp())
        if isinstance(value, datetime.date) and not isinstance(value, datetime.datetime):
            return int(datetime.datetime(value.year, value.month, value.day, tzinfo=datetime.UTC).timestamp())
        raise wrong(at, "expected a date such as 2030-01-01, or a date and time with offset")

    def schema(self) -> Schema:
        return {"type": "string", "format": "date-time"}


_INTERFACE_PREFIX = r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)+\.?"
_INTERFACE = Text(_INTERFACE_PREFIX, what="an interface, or a prefix such as org.example.")
FLAGS = ("processes", "native")
# A prefix breaks only where a level of the entry ends: `/etc/*`, never `/etc/pass*`.
_ENTRY = Text(
    r"\*|[!-)+-~]*[/:.-]\*|[!-)+-~]+", what="an entry, or a prefix that ends at / : . or - and *", longest=1024
)
_ENTRIES = List(_ENTRY, most=LABELS_MAX)
_IDENTITY = Parsed(_identity, what="an identity as `exoctl key export` prints it", longest=4096)
LISTS = ("filesystem", "network", "ipc", "hardware", "ai", "config", "custom")
TRUE = ("true",)
CEILING = Table(
    *(Field(key, _ENTRIES, default=None) for key in LISTS), *(Field(key, Flag(), default=None) for key in FLAGS)
)
_TABLE = Table(
    Field("level", Choice("vendor", "trusted", "dev")),
    Field("identity", _IDENTITY, default=None),
    Field("identities", List(_IDENTITY, most=IDENTITIES_MAX), default=()),
    Field("scope", List(Parsed(label, what="a name, or a prefix such as sensor-*"), most=LABELS_MAX)),
    Field("types", List(Choice(*PLUGIN_TYPES), most=len(PLUGIN_TYPES)), default=()),
    Field("interfaces", List(_INTERFACE, most=LABELS_MAX), default=()),
    Field("expires", _Moment(), default=None),
    Field("threshold", Whole(1, IDENTITIES_MAX), default=1),
    Field("ceiling", CEILING, default={}),
)
