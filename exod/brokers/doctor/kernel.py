"""Settings of the kernel that make a break-out harder: each read where the kernel keeps it, and repaired where safe."""

import array
import os
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from exod.brokers.doctor.check import Action, Check, Verdict, ok, warning
from exod.brokers.doctor.host import Host
from exod.linux.numbers import NUMBERS
from exod.linux.syscall import syscall

PROC = Path("/proc/sys")
PERSISTENT = Path("/etc/sysctl.d/60-exod.conf")
CPUS = Path("/sys/devices/system/cpu/vulnerabilities")


@dataclass(frozen=True, slots=True)
class Setting:
    """`least` or more is right; `most` is what is still right above it. `set_to` is what a repair writes."""

    name: str
    set_to: int
    title: str
    cost: str
    least: int
    most: int = 1 << 31

    @property
    def id(self) -> str:
        return self.name.rpartition("/")[2].replace("_", "-")

    @property
    def dotted(self) -> str:
        return self.name.replace("/", ".")


def _is(name: str, value: int, title: str, cost: str) -> Setting:
    return Setting(name, value, title, cost, value, value)


def _at_least(name: str, value: int, title: str, cost: str, *, least: int = 1) -> Setting:
    return Setting(name, value, title, cost, least)


SETTINGS = (
    _at_least(
        "kernel/kptr_restrict", 1, "the kernel hides its addresses", "an exploit of the kernel need not guess addresses"
    ),
    _at_least(
        "kernel/dmesg_restrict", 1, "the kernel's log is root's", "every user reads addresses and secrets in the log"
    ),
    _at_least(
        "kernel/unprivileged_bpf_disabled", 2, "bpf(2) is root's", "every user has a compiler in the kernel to attack"
    ),
    _at_least(
        "kernel/yama/ptrace_scope", 1, "ptrace is for parents", "any process of a user reads any other of that user"
    ),
    _at_least(
        "kernel/perf_event_paranoid",
        2,
        "perf is root's, but for a process itself",
        "every user may watch the kernel, which has been a way in",
        least=2,
    ),
    _is("kernel/randomize_va_space", 2, "addresses are random, the heap's too", "an exploit need not guess addresses"),
    _at_least(
        "net/core/bpf_jit_harden", 1, "compiled BPF is blinded", "constants in BPF programs can carry machine code"
    ),
    _at_least(
        "fs/protected_symlinks", 1, "links in /tmp are followed by their owner only", "links in /tmp deceive daemons"
    ),
    _at_least(
        "fs/protected_hardlinks", 1, "hard links need a right to the file", "a user keeps alive what root replaced"
    ),
    _at_least("fs/protected_fifos", 1, "FIFOs in /tmp deceive nobody", "a daemon may write into a stranger's FIFO"),
    _at_least("fs/protected_regular", 1, "files in /tmp deceive nobody", "a daemon may write into a stranger's file"),
    _is("fs/suid_dumpable", 0, "set-uid programs leave no core", "secrets of privileged programs lie in core files"),
    _is(
        "vm/unprivileged_userfaultfd",
        0,
        "userfaultfd is root's",
        "races inside the kernel can be held open for as long as an exploit likes",
    ),
)
_WHY = "{}: {} or more. exod's sandboxes do not depend on it; whoever gets out of one meets it next."
_EXACT = _WHY.replace(" or more", "")


def _probe(setting: Setting, _: Host) -> Verdict:
    try:
        found = int((PROC / setting.name).read_text())
    except FileNotFoundError:
        return warning(f"this kernel has no {setting.dotted}")
    said = f"{setting.dotted} is {found}"
    return ok(said) if setting.least <= found <= setting.most else warning(said)


def _repair(setting: Setting, _: Host) -> Sequence[Action]:
    path = PROC / setting.name
    if not path.exists():
        return ()
    row = f"{setting.dotted} = {setting.set_to}"
    return (
        Action(f"write {setting.set_to} to {path}", partial(path.write_text, f"{setting.set_to}\n")),
        Action(f"write {row!r} to {PERSISTENT}, for the next boot", partial(_persist, setting.dotted, row)),
    )


def _persist(name: str, row: str) -> None:
    """One line a setting, whole or not at all."""
    PERSISTENT.parent.mkdir(mode=0o755, exist_ok=True)
    before = PERSISTENT.read_text().splitlines() if PERSISTENT.exists() else ["# Written by exoctl doctor --fix."]
    rows = [line for line in before if line.partition("=")[0].strip() != name]
    fresh = PERSISTENT.with_suffix(".new")
    fresh.write_text("\n".join([*rows, row]) + "\n")
    os.replace(fresh, PERSISTENT)


def core_pattern(_: Host) -> Verdict:
    pattern = (PROC / "kernel/core_pattern").read_text().strip()
    return (
        warning(f"crashes are piped into {pattern[1:]}") if pattern.startswith("|") else ok("no program reads crashes")
    )


def vulnerabilities(_: Host) -> Verdict:
    open_ = [path.name for path in sorted(CPUS.iterdir()) if path.read_text().startswith("Vulnerable")]
    return warning(f"no protection from: {', '.join(open_)}") if open_ else ok("the kernel protects from what it knows")


_UNSYNCHRONISED = 0x40
_TIMEX = struct.Struct("@IllllI")
"""The beginning of struct timex: modes (0 only reads), offset, freq, maxerror, esterror, status (adjtimex(2))."""


def clock_synchronised(_: Host) -> Verdict:
    timex = array.array("B", bytes(256))
    syscall(NUMBERS[os.uname().machine]["adjtimex"], timex.buffer_info()[0])
    return synchronised(_TIMEX.unpack_from(timex)[5])


def synchronised(status: int) -> Verdict:
    return warning("nothing keeps the clock right") if status & _UNSYNCHRONISED else ok("the clock is kept right")


CHECKS = (
    *(
        Check(
            one.id,
            one.title,
            one.cost,
            _WHY.format(one.dotted, one.set_to) if one.most > one.least else _EXACT.format(one.dotted, one.set_to),
            partial(_probe, one),
            partial(_repair, one),
        )
        for one in SETTINGS
    ),
    Check(
        "core-pattern",
        "no program is handed the memory of what crashes",
        "what crashes before its walls stand is read by that program, as root",
        "A limit of 0 on core files does not stop a pipe. exod's units and every instance set it to 1, which does.",
        core_pattern,
    ),
    Check(
        "cpu-vulnerabilities",
        "the kernel protects from the flaws of this processor",
        "a plugin may read memory that is not its own, by its timing",
        "Walls of software stand on a processor that keeps its promises; the kernel says where this one does not.",
        vulnerabilities,
    ),
    Check(
        "clock-synchronised",
        "something keeps the clock right",
        "packages and signers expire, and revocation lists grow stale, too early or too late",
        "exod never goes back behind the newest time it saw, but only the host knows what time it is.",
        clock_synchronised,
    ),
)
