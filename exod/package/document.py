"""A TOML document, as bytes → what its table makes of it; whatever is wrong with it is told with its line.

Refuses what is too large, no UTF-8 or no TOML. Executes nothing.
"""

import re
import tomllib
from typing import Any

from exod.package.fields import Table
from exod.package.malformed import MalformedError

DOTS_MAX = 64
"""tomllib's work grows with the square of a dotted key's parts; a key cannot span lines, so dots a line are capped."""


def read(data: bytes, table: Table, *, limit: int, too_large: str = "", hostile: bool = False) -> Any:
    """`too_large`: the code of that refusal. `hostile`: somebody wrote it who may want to keep us busy. Raises
    MalformedError."""
    if len(data) > limit:
        raise MalformedError(too_large, f"it has {len(data)} bytes, at most {limit} are read")
    text = data.decode(errors="replace")
    for number, line in enumerate(text.split("\n") if hostile else (), start=1):
        if line.count(".") > DOTS_MAX:
            raise MalformedError("", f"more than {DOTS_MAX} dots", line=number)
    try:
        return table.read(_toml(data), at="")
    except MalformedError as fault:
        fault.line = fault.line or _line_of(text, fault.key)
        raise


def _toml(data: bytes) -> object:
    try:
        return tomllib.loads(data.decode())
    except (ValueError, RecursionError) as fault:
        # The parser's message may repeat hostile text; its position is all that is kept.
        line = re.search(r"\(at line (\d{1,5})", str(fault))
        last = data.rstrip().count(b"\n") + 1 if str(fault).endswith("(at end of document)") else 0
        raise MalformedError("", "it is not TOML in UTF-8", line=int(line[1]) if line else last) from None


def _line_of(text: str, key: str) -> int:
    """The line where the deepest part of `key` stands that can be found: 0 where none can.

    Plain string operations: a search by pattern takes quadratic time on a line that is made for it.
    """
    parts = re.sub(r"\[\d+\]$", "", key).split(".")
    found, table = 0, 0
    for number, line in enumerate(text.split("\n") if key else (), start=1):
        start = line.strip()
        if start.startswith("["):
            names = _names(start.partition("]")[0].lstrip("["))
            table = len(names) if names == parts[: len(names)] else -1
            found = number if table > 0 else found
        elif 0 <= table < len(parts) and _names(start.partition("=")[0])[0] == parts[table]:
            return number
    return found


def _names(dotted: str) -> list[str]:
    return [name.strip(" \t\"'") for name in dotted.split(".")]
