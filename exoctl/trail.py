"""An audit log's files → a Report of where it does not hold: hashes, order, MACs, and what others remember of its end.

Written from the format alone (docs/systems/audit.md): it shares no line with what writes the log. Pure: reads no file.
"""

import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from exod.package.strictjson import dumps

GENESIS = "0" * 64
CLOSED, OPENED, PRUNED = "audit-closed", "audit-opened", "audit-pruned"
LINE_MAX = 128 << 10
_LEAP = 1 << 26
"""So many steps a key is taken for a number that a file claims: a minute's work."""
_SHAPE = {
    "seq": int, "time": float, "event": str, "source": str, "fields": dict, "prev": str, "hash": str, "mac": str,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Key:
    """Makes the MAC of the record behind `seq`, whose hash is `hash`; `id` names its succession."""

    seq: int
    hash: str
    key: bytes
    id: str


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What somebody remembers to have been the last record. `who` says it; a `proof` needs the key of that place."""

    who: str
    seq: int
    hash: str
    proof: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """`line` counts from 1 in `file`; `seq` is what the line claims, 0 if nothing can be read from it."""

    file: str
    line: int
    seq: int
    what: str


@dataclass(frozen=True, slots=True)
class Report:
    """`seq` is the last record's number; `closed`: it is that of a clean stop. `sealed`: MACs were checked up to there;
    `remembered`: the last record that somebody else knows. Behind both, a tail may have been cut or made anew.
    """

    records: int
    first: int
    seq: int
    closed: bool
    sealed: int
    remembered: Checkpoint | None
    findings: tuple[Finding, ...]

    @property
    def holds(self) -> bool:
        return not self.findings

    @property
    def covered(self) -> int:
        return max(self.sealed, self.remembered.seq if self.remembered else 0)


@dataclass(slots=True)
class _Walk:
    keys: Mapping[str, Key]
    wanted: dict[int, list[Checkpoint]]
    key: Key | None = None
    records: int = 0
    first: int = 0
    start: tuple[int, str] = (0, GENESIS)
    head: tuple[int, str] = (0, GENESIS)
    event: str = ""
    sealed: int = 0
    forged: int = 0
    remembered: Checkpoint | None = None
    pruned: dict[str, str] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)


def verify(
    files: Iterable[tuple[str, Iterable[bytes]]], *, keys: Sequence[Key] = (), checkpoints: Iterable[Checkpoint] = ()
) -> Report:
    """Walk `files`, (name, lines with their newlines), oldest first."""
    wanted: dict[int, list[Checkpoint]] = {}
    for one in checkpoints:
        if one.seq:
            wanted.setdefault(one.seq, []).append(one)
    walk, place = _Walk({key.id: key for key in keys}, wanted), ("", 0)
    for file, lines in files:
        for number, data in enumerate(lines, start=1):
            place = (file, number)
            walk.findings += [Finding(*place, seq, what) for seq, what in _judge(walk, data)]
    walk.findings += [Finding(*place, seq, what) for seq, what in _judge_end(walk)]
    if (what := _start(walk)) is not None:
        walk.findings.insert(0, Finding("", 0, walk.start[0], what))
    closed = walk.event == CLOSED
    return Report(walk.records, walk.first, walk.head[0], closed, walk.sealed, walk.remembered, tuple(walk.findings))


def parse(data: bytes) -> Mapping[str, Any] | None:
    """The record in a line without its newline, or None when it is not spelt as the format says."""
    if len(data) > LINE_MAX:
        return None
    try:
        row = json.loads(data)
        written = dumps(row)
    except (ValueError, RecursionError):
        return None
    return row if written == data and _is_record(row) else None


def _is_record(row: object) -> bool:
    if not isinstance(row, dict) or {key: type(value) for key, value in row.items()} != _SHAPE:
        return False
    return all(type(value) is str for value in row["fields"].values())


def _judge(walk: _Walk, data: bytes) -> list[tuple[int, str]]:
    row = parse(data.removesuffix(b"\n")) if data.endswith(b"\n") else None
    if row is None:
        return [(0, "not a record of this log" if data.endswith(b"\n") else "the last line is cut off")]
    seq = row["seq"]
    if not walk.records:
        walk.first, walk.start = seq, (seq - 1, row["prev"])
        walk.head = walk.start
        walk.key = max((key for key in walk.keys.values() if key.seq < seq), key=lambda key: key.seq, default=None)
    found = [*_chain_faults(walk.head, row), *_memory_faults(walk, row), *_key_faults(walk, row)]
    walk.records += 1
    walk.head, walk.event = (seq, row["hash"]), row["event"]
    if walk.event == PRUNED:
        walk.pruned[row["fields"].get("through", "")] = row["fields"].get("hash", "")
    return [(seq, what) for what in found]


def _chain_faults(before: tuple[int, str], row: Mapping[str, Any]) -> Iterable[str]:
    body = {key: value for key, value in row.items() if key not in ("hash", "mac")}
    if hashlib.sha256(dumps(body)).hexdigest() != row["hash"]:
        yield "edited: the record does not have the hash it carries"
    if row["seq"] != before[0] + 1:
        kind = "records are missing" if row["seq"] > before[0] else "out of order"
        yield f"{kind}: record {before[0]} is followed by record {row['seq']}"
    elif row["prev"] != before[1]:
        yield f"the record before is not the one it was written after (record {before[0]} was replaced)"


def _memory_faults(walk: _Walk, row: Mapping[str, Any]) -> Iterable[str]:
    for one in walk.wanted.pop(row["seq"], []):
        if one.hash != row["hash"]:
            yield f"replaced: another record of this number is remembered by {one.who}"
        elif (walk.keys or not one.proof) and (walk.remembered is None or walk.remembered.seq <= one.seq):
            walk.remembered = one  # a proof that nobody can check is no more than the file beside it says
        yield from _proof_fault(walk, one)


def _proof_fault(walk: _Walk, one: Checkpoint) -> Iterable[str]:
    """The key on that host must be the one that the first key becomes; an older one cannot be brought back."""
    if one.proof and walk.key is not None and walk.key.seq <= one.seq:
        key = _advance(walk.key, one.seq)
        if key is None or not hmac.compare_digest(_mac(key.key, "proof"), one.proof):
            yield f"the key of {one.who} is not the one that sealed this log: it was replaced"


def _key_faults(walk: _Walk, row: Mapping[str, Any]) -> Iterable[str]:
    """A record is believed that the key of its place made. Once that fails, one finding stands for all that follow."""
    if not walk.keys:
        return
    yield from _change_key(walk, row)
    key = _advance(walk.key, row["seq"] - 1) if walk.key else None
    if key is None:
        return
    if hmac.compare_digest(_mac(key.key, f"record {row['hash']}"), row["mac"]):
        walk.sealed, walk.forged = row["seq"], 0
    else:
        if not walk.forged:
            yield "forged: whoever wrote this record, or wrote it anew, did not have the key of its time"
        walk.forged += 1
    walk.key = key


def _change_key(walk: _Walk, row: Mapping[str, Any]) -> Iterable[str]:
    id_ = row["fields"].get("key", "") if row["event"] == OPENED else ""
    if not id_ or (walk.key is not None and walk.key.id == id_):
        return
    walk.key = walk.keys.get(id_)
    if walk.key is None:
        yield f"sealed with another key from here on ({id_}), which was not given"
    elif (walk.key.seq, walk.key.hash) != (row["seq"] - 1, row["prev"]):
        yield f"key {id_} begins behind record {walk.key.seq}, not here"


def _advance(key: Key, seq: int) -> Key | None:
    """The key for the record behind `seq`; there is no way back, and none to where nobody can have come."""
    if not 0 <= seq - key.seq <= _LEAP:
        return None
    secret = key.key
    for _ in range(seq - key.seq):
        secret = hmac.digest(secret, b"next", "sha256")
    return Key(seq, "", secret, key.id)


def proof_of(key: Key) -> str:
    """What only whoever has this very key can say."""
    return _mac(key.key, "proof")


def _mac(key: bytes, what: str) -> str:
    return hmac.digest(key, what.encode(), "sha256").hex()


def _judge_end(walk: _Walk) -> Iterable[tuple[int, str]]:
    for seq, those in sorted(walk.wanted.items()):
        who = ", ".join(one.who for one in those)
        if seq > walk.head[0]:
            yield seq, f"record {seq} is remembered by {who} but missing: the log was cut after record {walk.head[0]}"
        elif seq > walk.start[0]:
            yield seq, f"record {seq} is remembered by {who} but missing"


def _start(walk: _Walk) -> str | None:
    """A log that does not begin at record 1 must say itself that what came before was pruned."""
    seq, digest = walk.start
    if seq and walk.pruned.get(str(seq)) != digest:
        return f"the log begins at record {seq + 1} and does not say that the records before were pruned"
    return None
