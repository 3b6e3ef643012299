"""The audit log's files → where one record does not follow the other; what only its keys show, `exoctl audit verify`
says.
"""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from exod.package.strictjson import dumps

_LINE_MAX = 128 << 10
_NOTHING: Mapping[str, Any] = {}


def broken(place: Path) -> list[str]:
    """One sentence for each place; raises OSError."""
    found: list[str] = []
    before = _NOTHING
    for path in sorted(place.glob("audit-*.jsonl")):
        for number, line in enumerate(_lines(path), start=1):
            row = _record(line)
            if not row:
                found.append(f"{path.name}: line {number} is not what was written there")
            elif before and (row["seq"], row["prev"]) != (before["seq"] + 1, before["hash"]):
                found.append(f"{path.name}: line {number} does not follow record {before['seq']}")
            before = row or before
    return found


def _lines(path: Path) -> Iterator[bytes]:
    # Bounded reads: a log made into one endless line must not fill the memory of who looks at it.
    with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NOFOLLOW | os.O_NONBLOCK)) as file:
        yield from iter(lambda: file.readline(_LINE_MAX + 2), b"")


def _record(line: bytes) -> Mapping[str, Any]:
    try:
        row = json.loads(line)
        body = {name: value for name, value in row.items() if name not in ("hash", "mac")}
        whole = dumps(row) + b"\n" == line and hashlib.sha256(dumps(body)).hexdigest() == row["hash"]
        return row if whole and isinstance(row["seq"], int) and row["prev"] else _NOTHING
    except (ValueError, RecursionError, AttributeError, KeyError):
        return _NOTHING
