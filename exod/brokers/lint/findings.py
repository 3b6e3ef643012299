"""Findings ↔ lines of text, and what they mean for a load. `PATH:LINE: RULE: what`, the same everywhere. Pure.

A line is believed only when its rule exists and nothing in it could move a cursor: it comes from a process that read
hostile bytes.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from exod.brokers.lint.rules import BY_ID, Rule, Severity
from exod.errors import Refusal

MOST = 64
"""Findings that are kept of one package."""
_DETAIL_MAX = 120
_TOLD = 16
"""Findings in the evidence of a refusal, which goes into the audit."""
_LINE = re.compile(r"([A-Za-z0-9._/-]{1,1024}):([0-9]{1,9}): ([a-z-]+): ([ -~]{1,120})")


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    path: str
    line: int
    rule: str
    what: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.rule}: {self.what}"

    @property
    def place(self) -> str:
        return f"{self.path}:{self.line} {self.rule}"

    @property
    def about(self) -> Rule:
        return BY_ID[self.rule]

    @property
    def error(self) -> bool:
        return self.about.severity is Severity.ERROR


def finding(path: str, line: int, rule: str, what: str) -> Finding:
    """With what was read out of the file made printable, and short."""
    plain = what.encode("ascii", "backslashreplace").decode()
    shown = "".join(letter if letter.isprintable() else "?" for letter in plain)
    return Finding(path, line, rule, shown if len(shown) <= _DETAIL_MAX else f"{shown[: _DETAIL_MAX - 3]}...")


def parse(line: str) -> Finding | None:
    """None for what is no finding."""
    match = _LINE.fullmatch(line)
    if match is None or match[3] not in BY_ID:
        return None
    return Finding(match[1], int(match[2]), match[3], match[4])


def ranked(found: Iterable[Finding]) -> list[Finding]:
    """Errors first, each once, no more than are kept: a flood of warnings hides no error."""
    return sorted(set(found), key=lambda one: (not one.error, one))[:MOST]


def refusal(name: str, version: str, found: Sequence[Finding]) -> Refusal | None:
    """Why a package with these findings is not loaded; None when nothing speaks against it."""
    errors = [one for one in found if one.error]
    if not errors:
        return None
    more = f" and {len(errors) - 3} more" if len(errors) > 3 else ""
    sentence = f"cannot load {name} {version}: the lint found {', '.join(one.place for one in errors[:3])}{more}"
    hint = f'exoctl package lint FILE; an administrator accepts it with lint = "warn" in plugins.d/{name}.toml'
    return Refusal("lint-refused", sentence, hint, {"findings": "; ".join(map(str, errors[:_TOLD]))})
