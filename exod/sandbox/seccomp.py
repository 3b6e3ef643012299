"""What a Python plugin may ask of the kernel: python.toml, an architecture, granted groups → seccomp program.

The tables are part of the program and read beside its code, never from /etc: who could change it there could open every
sandbox. What is wrong in them is a fault of ours and raises whatever error it leads to.
"""

import functools
import itertools
import operator
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from exod.linux.numbers import NUMBERS
from exod.sandbox.bpf import ALLOW, Checked, Condition, Only, Verdict, Without, assemble, errno, program

TABLE = Path(__file__).resolve().parents[2] / "etc/exod/seccomp/python.toml"
EPERM, ENOSYS, ENOTSUP = errno(1), errno(38), errno(95)
AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
X32_BIT = 0x40000000

_GROUPS = ("fork", "locks", "native", "tcp", "udp")
PROFILES = tuple(groups for count in range(len(_GROUPS) + 1) for groups in itertools.combinations(_GROUPS, count))
"""The groups of each profile that an instance can be granted today; a fork request names one by its place."""


def profile(permissions: Mapping[str, Sequence[str]], *, reads: bool) -> int:
    """reads: whether it was granted files of the host to be read."""
    kinds = {one.removeprefix("listen:")[:4] for one in permissions.get("network", ()) if one[:4] in ("list", "udp:")}
    held = {"fork": "processes" in permissions, "locks": not reads, "native": "native" in permissions}
    held |= {"tcp": "tcp:" in kinds, "udp": "udp:" in kinds}
    return PROFILES.index(tuple(group for group in _GROUPS if held[group]))


def profiles(machine: str) -> list[bytes]:
    """The program of each of PROFILES."""
    table = read()
    return [compile_filter(table, machine, granted=groups) for groups in PROFILES]


def zygote(machine: str) -> bytes:
    """A zygote's own program, which its children inherit: of what is denied, only what walls and grants take."""
    table, groups = read(), sorted({"zygote", *(group for groups in PROFILES for group in groups)})
    found = verdicts({**table, "granted": {**table["granted"], "zygote": table["zygote"]}}, machine, granted=groups)
    denied = {NUMBERS[machine].get(name) for name in table["denied"].split()}
    return _assembled({number: found[number] for number in found if number in denied}, machine, default=ALLOW)


def read() -> Mapping[str, Any]:
    return tomllib.loads(TABLE.read_text())


def compile_filter(table: Mapping[str, Any], machine: str, *, granted: Iterable[str] = ()) -> bytes:
    """The program as the kernel takes it (struct sock_filter[])."""
    return _assembled(verdicts(table, machine, granted=granted), machine, default=ENOSYS)


def _assembled(found: Mapping[int, Verdict], machine: str, *, default: int) -> bytes:
    foreign = X32_BIT if machine == "x86_64" else 0
    return assemble(program(found, default=default, arch=AUDIT_ARCH[machine], foreign_bit=foreign))


def verdicts(table: Mapping[str, Any], machine: str, *, granted: Iterable[str] = ()) -> dict[int, Verdict]:
    """Call number → what happens, for every call that is named in `table` and exists on `machine`."""
    found: dict[str, Verdict] = dict.fromkeys(table["denied"].split(), EPERM)
    found |= dict.fromkeys(table["unsupported"].split(), ENOTSUP)
    groups = [*table["always"].values(), *(table["granted"][name] for name in granted)]
    for rule in (rule for group in groups for rule in group.get("rules", ())):
        conditions = [_condition(where, what, table["values"]) for where, what in rule.items() if where != "call"]
        before = found.get(rule["call"])
        alternatives = before.alternatives if isinstance(before, Checked) else ()
        found[rule["call"]] = Checked((*alternatives, tuple(conditions)), EPERM)
    found |= dict.fromkeys((name for group in groups for name in group["calls"].split()), ALLOW)
    numbers = NUMBERS[machine]
    return {numbers[name]: verdict for name, verdict in found.items() if name in numbers}


def _condition(where: str, what: Mapping[str, Any], values: Mapping[str, int]) -> Condition:
    argument, wide = int(where.removeprefix("arg")), what.get("wide", False)
    words = {key: [values[name] for name in what[key]] for key in ("is", "only", "none", "ignore") if key in what}
    if "is" in words:
        return Only(argument, tuple(words["is"]), ignore=sum(words.get("ignore", ())), wide=wide)
    bits = functools.reduce(operator.or_, words.get("only") or words["none"])
    return Without(argument, ~bits & 0xFFFFFFFF if "only" in words else bits, wide=wide)
