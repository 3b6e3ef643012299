"""The same table through libseccomp: two programs with nothing in common but python.toml, compared call by call.

The oracle reads the file itself, takes its numbers from libseccomp where that knows them, spells each rule out as
comparisons of whole arguments, and lets libseccomp make the program. Both programs are then run, not read.
"""

import itertools
import random
import tempfile
import tomllib
from collections.abc import Iterator
from typing import Any

import pyseccomp
import pytest

from exod.linux.numbers import NUMBERS
from exod.sandbox import seccomp
from exod.sandbox.bpf import ALLOW, KILL_PROCESS
from tests.exod.sandbox.classic_bpf import EPERM, I386, X32, Program

TABLE: dict[str, Any] = tomllib.loads(seccomp.TABLE.read_text())
OTHERS = [*((group,) for group in TABLE["granted"]), ("tcp", "udp", "unix"), ("fork", "exec"), ("links", "tcp")]
PROFILES = [*dict.fromkeys([*seccomp.PROFILES, *OTHERS])]
ALL = tuple(TABLE["granted"])
WORD, LONG = 0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF
NUMBERS_TRIED = range(1024)


def number(name: str) -> int:
    """On x86-64; -1 where it has no such call. libseccomp of Debian 12 knows those of Linux 6.1."""
    known: int = pyseccomp.resolve_syscall(pyseccomp.Arch.X86_64, name)
    return known if known >= 0 else NUMBERS["x86_64"].get(name, -1)


def numbers(text: str) -> set[int]:
    return {number(name) for name in text.split()} - {-1}


def comparisons(position: int, what: dict[str, Any]) -> list[pyseccomp.Arg]:
    """Each one that alone would make this argument hold."""
    values = {key: [TABLE["values"][word] for word in words] for key, words in what.items() if key != "wide"}
    width = LONG if what.get("wide") else WORD
    if "is" in values:
        mask = width & ~sum(values.get("ignore", []))
        return [pyseccomp.Arg(position, pyseccomp.MASKED_EQ, mask, value) for value in values["is"]]
    bits = sum(values.get("none", []))
    mask = width & ~sum(values["only"]) if "only" in values else bits | (width & ~WORD)
    return [pyseccomp.Arg(position, pyseccomp.MASKED_EQ, mask, 0)]


def oracle(granted: tuple[str, ...]) -> Program:
    """What no rule of a call allows is EPERM here as there, so that is the default, and every number needs its word."""
    groups = [*TABLE["always"].values(), *(TABLE["granted"][name] for name in granted)]
    allowed = set().union(*(numbers(group["calls"]) for group in groups))
    rules = [rule for group in groups for rule in group.get("rules", [])]
    silent = numbers(TABLE["unsupported"])
    refused = numbers(TABLE["denied"]) | {number(rule["call"]) for rule in rules}
    made = pyseccomp.SyscallFilter(pyseccomp.ERRNO(1))
    made.set_attr(pyseccomp.Attr.ACT_BADARCH, pyseccomp.KILL_PROCESS)
    for call in NUMBERS_TRIED:
        if call in allowed or call in silent or call not in refused:
            verdict = pyseccomp.ALLOW if call in allowed else pyseccomp.ERRNO(95 if call in silent else 38)
            made.add_rule(verdict, call)
    for rule in rules:
        arguments = [comparisons(int(key[3:]), what) for key, what in rule.items() if key != "call"]
        if number(rule["call"]) not in allowed:
            for chosen in itertools.product(*arguments):
                made.add_rule_exactly(pyseccomp.ALLOW, number(rule["call"]), *chosen)
    with tempfile.TemporaryFile() as file:
        made.export_bpf(file)
        file.seek(0)
        return Program(file.read())


def ours(granted: tuple[str, ...]) -> Program:
    return Program(seccomp.compile_filter(TABLE, "x86_64", granted=granted))


@pytest.mark.parametrize("granted", sorted({*PROFILES, *seccomp.PROFILES, ALL}), ids="+".join)
def test_every_number_through_every_entry_has_the_oracles_verdict(granted: tuple[str, ...]) -> None:
    mine, other = ours(granted), oracle(granted)
    entries = [{}, {"bit": X32}, {"arch": I386}]
    verdicts = 0
    for entry, call in itertools.product(entries, NUMBERS_TRIED):
        bit, how = entry.get("bit", 0), {key: value for key, value in entry.items() if key == "arch"}
        verdict = mine.run(call | bit, **how)
        assert verdict == other.run(call | bit, **how), (entry, call)
        assert (verdict == KILL_PROCESS) is bool(entry)
        verdicts += 1
    assert verdicts == 3072


def edges(rule: dict[str, Any], position: int) -> set[int]:
    """Values at which a comparison of this argument could err, by itself and with high bits that must not hide it."""
    what = rule.get(f"arg{position}", {})
    words = [TABLE["values"][name] for key, names in what.items() if key != "wide" for name in names]
    low = {0, 1, WORD, sum(words) & WORD, 0x7FFFFFFF, 0x80000000, *words, *(word + 1 for word in words)}
    low |= {word - 1 & WORD for word in words} | {1 << bit for bit in range(32)}
    return low | {value | 1 << 32 for value in low} | {value | WORD << 32 for value in low} | {1 << 63}


def tried(rules: list[dict[str, Any]]) -> Iterator[tuple[int, ...]]:
    """Of one call: one that each rule allows, with one argument after the other moved to its edges; and wild ones."""
    values = [sorted(set().union(*(edges(rule, position) for rule in rules))) for position in range(6)]
    for rule in rules:
        options = [[0] if f"arg{i}" not in rule else held(rule[f"arg{i}"]) for i in range(6)]
        for base in itertools.islice(itertools.product(*options), 64):
            yield base
        base = tuple(option[0] for option in options)
        for position, edge in ((i, edge) for i in range(6) for edge in values[i]):
            yield (*base[:position], edge, *base[position + 1 :])
    rng = random.Random(41)
    for _ in range(300):
        yield tuple(rng.choice(values[i]) for i in range(6))


def held(what: dict[str, Any]) -> list[int]:
    words = [TABLE["values"][name] for name in what.get("is", what.get("only", []))]
    return words or [0]


@pytest.mark.slow
@pytest.mark.parametrize("granted", [(), ALL], ids="+".join)
def test_arguments_at_their_edges_have_the_oracles_verdict(granted: tuple[str, ...]) -> None:
    mine, other = ours(granted), oracle(granted)
    groups = [*TABLE["always"].values(), *(TABLE["granted"][name] for name in granted)]
    rules = [rule for group in groups for rule in group.get("rules", [])]
    for name in sorted({rule["call"] for rule in rules}):
        found = set()
        for arguments in tried([rule for rule in rules if rule["call"] == name]):
            verdict = mine.run(number(name), arguments)
            assert verdict == other.run(number(name), arguments), (name, [hex(word) for word in arguments])
            found.add(verdict)
        assert found == {ALLOW, EPERM}, f"{name}: the edges do not reach both verdicts"
