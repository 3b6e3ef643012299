"""How far each trust level reaches at most: the table below, or what trust.d's `levels.toml` says instead → Levels.

The lower of it and an anchor's own ceiling holds. `[trusted]` and its like name a permission as an anchor's `[ceiling]`
does; what they do not name keeps its default. From a file that cannot be read nothing is allowed to anybody: it may
have taken something away.
"""

import json
from collections.abc import Mapping, Sequence

from exod.errors import Refusal
from exod.package.document import read
from exod.package.fields import Field, Table
from exod.package.malformed import MalformedError
from exod.trust.anchors import CEILING, FLAGS, LISTS, MAX_BYTES, TRUE, ceiling
from exod.trust.scope import EVERY, Ceiling

FILE = "levels.toml"
Levels = Mapping[str, Ceiling]

_USUAL: Ceiling = dict.fromkeys(LISTS, (EVERY,)) | {"processes": TRUE}
DEFAULTS: Levels = {
    "vendor": {**_USUAL, "native": TRUE},
    "trusted": {**_USUAL, "native": ()},
    "dev": {**_USUAL, "hardware": (), "native": ()},
}
"""Machine code, which nobody can read, is the vendor's alone; keys of development lie open and drive no devices."""

NOTHING: Levels = {level: {} for level in DEFAULTS}


def parse(data: bytes) -> Levels | Refusal:
    try:
        row = read(data, _TABLE, limit=MAX_BYTES)
    except MalformedError as fault:
        return fault.refusal(FILE, code="levels-malformed")
    return {level: {**DEFAULTS[level], **ceiling(row[level])} for level in DEFAULTS}


def raised(levels: Levels, level: str, asked: Mapping[str, Sequence[str]]) -> str:
    """The words of `levels.toml` that would allow `level` what is `asked` as well."""
    said = {kind: json.dumps([*levels.get(level, {}).get(kind, ()), *entries]) for kind, entries in asked.items()}
    said |= dict.fromkeys(said.keys() & set(FLAGS), "true")
    return f"in trust.d/{FILE}: {level} = {{{', '.join(f'{kind} = {value}' for kind, value in said.items())}}}"


_TABLE = Table(*(Field(level, CEILING, default={}) for level in DEFAULTS))
