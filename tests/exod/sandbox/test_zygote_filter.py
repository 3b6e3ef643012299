"""A zygote's own filter: what is denied to instances is denied to it, but for what raising their walls takes."""

import errno
from pathlib import Path

import pytest

from exod.errors import Refused
from exod.linux import procfs
from exod.linux.numbers import NUMBERS
from exod.plan.confine import Layer
from exod.sandbox import seccomp
from exod.sandbox.bpf import ALLOW, KILL_PROCESS
from tests.exod.sandbox.classic_bpf import Program
from tests.exod.sandbox.rig import Rig, ending, free_zygotes

MACHINE = "x86_64"
NUMBER = NUMBERS[MACHINE]
OWN = Program(seccomp.zygote(MACHINE))
TABLE = seccomp.read()
DENIED = {NUMBER[name] for name in TABLE["denied"].split() if name in NUMBER}
NEEDED = {NUMBER[name] for name in TABLE["zygote"]["calls"].split()}
NEEDED |= {
    number
    for granted in seccomp.PROFILES
    for number, verdict in seccomp.verdicts(TABLE, MACHINE, granted=granted).items()
    if verdict == ALLOW
}
CONDITIONS = {NUMBER["keyctl"]: 1, NUMBER["seccomp"]: 1}
"""What has to stand in the first argument: KEYCTL_JOIN_SESSION_KEYRING, SECCOMP_SET_MODE_FILTER."""
NEVER = ("execve", "execveat", "socketpair", "ptrace", "process_vm_writev", "bpf",
         "perf_event_open", "add_key", "request_key", "kexec_load", "init_module", "finit_module",
         "open_by_handle_at", "userfaultfd",
         "io_uring_setup", "personality", "memfd_create", "mount", "fsopen", "open_tree", "shmget", "pidfd_getfd",
         "reboot", "swapon", "mknod", "link", "symlink")  # fmt: skip


def test_every_number_is_denied_exactly_where_the_table_says_so() -> None:
    for number in range(1024):
        expected = seccomp.EPERM if number in DENIED - NEEDED else ALLOW
        assert OWN.run(number, (CONDITIONS.get(number, 0),)) == (ALLOW if number in CONDITIONS else expected), number
    assert {NUMBER[name] for name in NEVER} <= DENIED - NEEDED


@pytest.mark.parametrize(
    ("name", "first"), [("keyctl", 0), ("keyctl", 2), ("seccomp", 0), ("seccomp", 2), ("seccomp", 3)]
)
def test_of_keys_and_filters_only_one_thing_each_is_asked_for(name: str, first: int) -> None:
    assert OWN.run(NUMBER[name], (first,)) == seccomp.EPERM


def test_another_entry_ends_the_process() -> None:
    assert OWN.run(NUMBER["getpid"] | seccomp.X32_BIT) == KILL_PROCESS
    assert OWN.run(20, arch=0x40000003) == KILL_PROCESS


@pytest.mark.parametrize("granted", seccomp.PROFILES)
def test_what_an_instance_may_be_granted_is_not_taken_away_by_what_it_inherits(granted: tuple[str, ...]) -> None:
    for number, verdict in seccomp.verdicts(TABLE, MACHINE, granted=granted).items():
        if verdict == ALLOW:
            assert OWN.run(number) == ALLOW, number


async def test_a_zygote_has_a_filter_more_than_its_keeper_and_an_instance_one_more_again(rig: Rig) -> None:
    peer = await rig.start()
    zygote = rig.host._cell(1).zygote
    assert zygote is not None
    with peer.end:
        counts = [procfs.filters(pid) for pid in (rig.host._open().lease.keeper, zygote.pid, peer.pid)]
    assert counts == list(range(counts[0], counts[0] + 3))
    assert zygote.filters == counts[1]


ASKED = {
    "os.execv('/plugin/none', ['none'])": "ENOENT",
    "socket.socket(socket.AF_UNIX) and None": "None",
    "socket.socketpair() and None": "None",
    "os.memfd_create('m') and None": "None",
    "os.symlink('a', '/tmp/b')": "None",
    "os.mkfifo('/tmp/f')": "None",
    "os.sched_setaffinity(0, os.sched_getaffinity(0))": "None",
}
"""What an instance can ask for that has no filter of its own → what comes of it where its zygote has none either."""


async def outcomes(rig: Rig) -> dict[str, str]:
    peer = await rig.start(without=[Layer.SECCOMP, Layer.LANDLOCK])
    with peer.end:
        told = {asked: peer.ask(asked) for asked in ASKED}
    return {asked: "None" if said == "None" else errno.errorcode[literal_number(said)] for asked, said in told.items()}


def literal_number(said: str) -> int:
    """`!PermissionError(1, 'Operation not permitted')` → 1"""
    return int(said.partition("(")[2].partition(",")[0])


async def test_what_no_zygote_can_do_is_seen_in_an_instance_that_has_only_its_filter(rig: Rig) -> None:
    assert await outcomes(rig) == dict.fromkeys(ASKED, "EPERM")


async def test_without_it_the_same_is_done(tmp_path: Path) -> None:
    with free_zygotes():
        async with ending(Rig(tmp_path)) as rig:
            await rig.attach()
            assert await outcomes(rig) == ASKED


async def test_an_instance_that_has_only_what_it_inherits_is_not_let_go(rig: Rig) -> None:
    (await rig.start(without=[Layer.SECCOMP])).end.close()
    assert procfs.status(rig.host._cell(1).pid)["Seccomp"] == "2"
    rig.host._cell(1).layers = frozenset(Layer)
    with pytest.raises(Refused, match="Seccomp_filters"):
        await rig.host.inspect(1)


async def test_one_that_is_taken_over_is_held_against_its_keeper(rig: Rig) -> None:
    (await rig.start()).end.close()
    rig.host._cell(1).zygote = None
    assert await rig.host.inspect(1)
