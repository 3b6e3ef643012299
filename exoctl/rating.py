"""Permissions as they are held, and who may call → a rating from 1 to 8, its reasons, and the line that would raise it.

8 reaches nothing of the host. Each reason costs what an attacker inside the plugin would gain by it; the line is for
`/etc/exod/plugins.d/NAME.toml` and takes away what costs most.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

BEST, WORST = 8, 1
_COSTS = {
    "native": (3, "it brings machine code, which nobody can read"),
    "network": (2, "it talks to others over the network"),
    "hardware": (2, "it drives devices"),
    "processes": (1, "it starts processes of its own"),
    "ipc": (1, "it talks to other plugins"),
    "ai": (1, "it uses the AI engine"),
}


@dataclass(frozen=True, slots=True)
class Rating:
    """`line` raises it; "" where nothing does."""

    number: int
    reasons: tuple[str, ...]
    line: str

    def fields(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class _Reason:
    cost: int
    text: str
    line: str


def rate(permissions: Mapping[str, Sequence[str]], acl: Mapping[str, str]) -> Rating:
    """`acl`: SERVICE or SERVICE.Method → its access rules."""
    found = sorted([*_held(permissions), *_open(acl)], key=lambda one: -one.cost)
    number = max(WORST, BEST - sum(one.cost for one in found))
    # Below the worst one line may be too little to be seen: then it takes all that it can.
    line = "" if not found else found[0].line
    if line and BEST - sum(one.cost for one in found[1:]) <= WORST:
        line = f"deny = {_listed(name for name in permissions if name != 'custom')}"
    return Rating(number, tuple(one.text for one in found), line)


def _held(permissions: Mapping[str, Sequence[str]]) -> Iterator[_Reason]:
    for name, (cost, text) in _COSTS.items():
        if permissions.get(name):
            yield _Reason(cost, text, f'deny = ["{name}"]')
    files = permissions.get("filesystem", ())
    figures = [one for one in files if one.startswith("read-only:/proc/")]
    written = [one for one in files if one.startswith("read-write:")]
    if written:
        yield _Reason(2, "it writes files of the host", _keeping(set(files) - set(written)))
    if len(files) > len(figures) + len(written):
        yield _Reason(1, "it reads files of the host", _keeping({*figures, *written}))
    settings = permissions.get("config", ())
    if any(one.startswith("write:") for one in settings):
        yield _Reason(2, "it changes settings of others", 'deny = ["config"]')
    elif settings:
        yield _Reason(1, "it reads settings of others", 'deny = ["config"]')


def _open(acl: Mapping[str, str]) -> Iterator[_Reason]:
    """A method has a rule of its own only where a host narrowed it, so the service's own says whether it is open."""
    names = [name for name, rule in acl.items() if rule == "any" and "." not in name]
    if names:
        rules = ", ".join(f'"{name}" = "root"' for name in names)
        yield _Reason(1, "every user of the host may call it", f"acl = {{{rules}}}")


def _keeping(files: set[str]) -> str:
    return f"files = {_listed(sorted(files))}" if files else 'deny = ["filesystem"]'


def _listed(names: Iterator[str] | Sequence[str]) -> str:
    """JSON's strings are TOML's."""
    return json.dumps(list(names))
