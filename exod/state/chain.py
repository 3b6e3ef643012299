"""Audit records ↔ lines: each holds the hash of the one before, and a MAC under a key that is hashed forward after it.

Whoever holds a later key can neither make nor change an earlier record. What does not hold in a finished log is found
by the command line (`exoctl/trail.py`), which shares no code with this. Pure: reads no file.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from exod.package.strictjson import dumps

GENESIS = "0" * 64
CLOSED = "audit-closed"
PRUNED = "audit-pruned"
LINE_MAX = 128 << 10
"""More than 8,192 characters can take, each escaped as a surrogate pair."""


@dataclass(frozen=True, slots=True)
class Head:
    """The last record of a chain; `seq` 0 before the first."""

    seq: int = 0
    hash: str = GENESIS


@dataclass(frozen=True, slots=True)
class Seal:
    """How far the key has come: `key` makes the MAC of the record behind `head`. `id` names this succession of keys."""

    head: Head
    key: bytes
    id: str

    def after(self, head: Head) -> "Seal":
        """The key goes one step; there is no way back."""
        return Seal(head, hmac.digest(self.key, b"next", "sha256"), self.id)

    def mac(self, of: str) -> str:
        return hmac.digest(self.key, b"record " + of.encode(), "sha256").hex()

    @property
    def proof(self) -> str:
        """What only whoever holds the key of this very place can say, and what does not give it away."""
        return hmac.digest(self.key, b"proof", "sha256").hex()


@dataclass(frozen=True, slots=True)
class Record:
    """`time` in seconds since the epoch; `source` says who saw it (exod, an instance, a broker)."""

    time: float
    event: str
    source: str
    fields: Mapping[str, str]


def line(record: Record, *, after: Seal) -> tuple[bytes, Seal]:
    """The line for `record` behind `after`, newline included, and the seal behind it."""
    head = after.head
    body: dict[str, Any] = {
        "seq": head.seq + 1,
        "time": round(float(record.time), 6),
        "event": record.event,
        "source": record.source,
    }
    body |= {"fields": dict(record.fields), "prev": head.hash}
    own = digest(body)
    # ASCII only: control and bidi characters stay escaped for whoever prints the file.
    data = dumps(body | {"hash": own, "mac": after.mac(own)}) + b"\n"
    return data, after.after(Head(head.seq + 1, own))


def row(data: bytes) -> Mapping[str, Any]:
    """What a line says, without its newline; empty for what `line` never wrote. Believed where the others say so."""
    try:
        found = json.loads(data[:LINE_MAX])
        return found if dumps(found) == data and isinstance(found, dict) else {}
    except (ValueError, RecursionError):
        return {}


def follow(data: bytes, *, after: Seal) -> Seal | None:
    """The seal behind a line; None unless it is what the holder of the key of `after` wrote next, byte for byte."""
    found = row(data)
    try:
        record = Record(found["time"], found["event"], found["source"], found["fields"])
        again, seal = line(record, after=after)
    except (KeyError, TypeError, ValueError):
        return None
    return seal if hmac.compare_digest(again, data + b"\n") else None


def digest(found: Mapping[str, Any]) -> str:
    return hashlib.sha256(dumps(found)).hexdigest()
