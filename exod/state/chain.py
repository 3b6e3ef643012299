"""Audit records ↔ lines, each holding the hash of the one before; lines → a Report of where the chain does not hold.

Finds an edited, reordered, inserted or missing line, and a tail cut behind a known checkpoint. A tail cut behind the
last thing anybody else remembers cannot be told from a crash: then the report says that no closing record ends it.
Pure: reads no file.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from exod.package.strictjson import dumps

GENESIS = "0" * 64
CLOSED = "audit-closed"
PRUNED = "audit-pruned"
LINE_MAX = 128 << 10
"""More than 8,192 characters can take, each escaped as a surrogate pair."""


_SHAPE = {"seq": int, "time": float, "event": str, "source": str, "fields": dict, "prev": str, "hash": str}


@dataclass(frozen=True, slots=True)
class Head:
    """The last record of a chain; `seq` 0 before the first."""

    seq: int = 0
    hash: str = GENESIS


@dataclass(frozen=True, slots=True)
class Record:
    """`time` in seconds since the epoch; `source` says who saw it (exod, an instance, a broker)."""

    time: float
    event: str
    source: str
    fields: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Finding:
    """`line` counts from 1 in `file`; `seq` is what the line claims, 0 if nothing can be read from it."""

    file: str
    line: int
    seq: int
    what: str


@dataclass(frozen=True, slots=True)
class Report:
    """`head` is the last record; `closed` whether it is the one of a clean stop; no findings means the chain holds."""

    records: int
    first: int
    head: Head
    closed: bool
    findings: tuple[Finding, ...]

    @property
    def holds(self) -> bool:
        return not self.findings


def line(record: Record, *, after: Head) -> tuple[bytes, Head]:
    """The line for `record` behind `after`, newline included, and the new head."""
    body = {
        "seq": after.seq + 1,
        "time": round(float(record.time), 6),
        "event": record.event,
        "source": record.source,
        "fields": dict(record.fields),
        "prev": after.hash,
    }
    digest = _hash(body)
    # ASCII only: control and bidi characters stay escaped for whoever prints the file.
    return dumps(body | {"hash": digest}) + b"\n", Head(after.seq + 1, digest)


def parse(data: bytes) -> Mapping[str, object] | None:
    """The record in a line without its newline, or None when it is not byte for byte what `line` writes."""
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


def is_intact(row: Mapping[str, object]) -> bool:
    """Whether the line's own hash is right; what it says of the line before is not looked at."""
    return _hash({key: value for key, value in row.items() if key != "hash"}) == row["hash"]


def head_of(row: Mapping[str, object]) -> Head:
    return Head(int(str(row["seq"])), str(row["hash"]))


@dataclass(slots=True)
class _Walk:
    records: int = 0
    first: int = 0
    start: Head = field(default_factory=Head)
    head: Head = field(default_factory=Head)
    event: str = ""
    pruned: dict[str, str] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)


def verify(files: Iterable[tuple[str, Iterable[bytes]]], *, checkpoints: Iterable[Head] = ()) -> Report:
    """Walk `files`, (name, lines with their newlines), oldest first. `checkpoints` are heads remembered elsewhere."""
    walk = _Walk()
    wanted = {head.seq: head.hash for head in checkpoints if head.seq}
    place = ("", 0)
    for file, lines in files:
        for number, data in enumerate(lines, start=1):
            place = (file, number)
            _judge(walk, place, data, wanted)
    _judge_start(walk)
    for seq in sorted(wanted):
        what = f"record {seq} is remembered elsewhere but missing: the log was cut after record {walk.head.seq}"
        walk.findings.append(Finding(*place, seq, what))
    closed = walk.event == CLOSED
    return Report(walk.records, walk.first, walk.head, closed, tuple(walk.findings))


def _judge(walk: _Walk, place: tuple[str, int], data: bytes, wanted: dict[int, str]) -> None:
    row = parse(data.removesuffix(b"\n")) if data.endswith(b"\n") else None
    if row is None:
        what = "not a record of this log" if data.endswith(b"\n") else "the last line is cut off"
        walk.findings.append(Finding(*place, 0, what))
        return
    head = head_of(row)
    if not walk.records:
        walk.first, walk.start = head.seq, Head(head.seq - 1, str(row["prev"]))
        walk.head = walk.start
    for what in _faults(walk.head, row, wanted.pop(head.seq, None)):
        walk.findings.append(Finding(*place, head.seq, what))
    walk.records += 1
    walk.head = head
    walk.event = str(row["event"])
    if walk.event == PRUNED:
        _remember_pruned(walk, row)


def _faults(before: Head, row: Mapping[str, object], remembered: str | None) -> Iterator[str]:
    head = head_of(row)
    if not is_intact(row):
        yield "edited: the record does not have the hash it carries"
    if head.seq != before.seq + 1:
        kind = "records are missing" if head.seq > before.seq else "out of order"
        yield f"{kind}: record {before.seq} is followed by record {head.seq}"
    elif row["prev"] != before.hash:
        yield f"the record before is not the one it was written after (record {before.seq} was replaced)"
    if remembered is not None and remembered != head.hash:
        yield "replaced: another record of this number is remembered elsewhere"


def _remember_pruned(walk: _Walk, row: Mapping[str, object]) -> None:
    fields = row["fields"]
    if isinstance(fields, dict):
        walk.pruned[fields.get("through", "")] = fields.get("hash", "")


def _judge_start(walk: _Walk) -> None:
    """A log that does not begin at record 1 must say itself that what came before was pruned."""
    start = walk.start
    if start.seq and walk.pruned.get(str(start.seq)) != start.hash:
        what = f"the log begins at record {start.seq + 1} and does not say that the records before were pruned"
        walk.findings.insert(0, Finding("", 0, start.seq, what))


def _hash(row: Mapping[str, object]) -> str:
    return hashlib.sha256(dumps(row)).hexdigest()
