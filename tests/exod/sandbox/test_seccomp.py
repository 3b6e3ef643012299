"""The filter of a plugin without grants, number by number, and what each grant adds to it."""

import errno
import fcntl
import mmap
import os
import select
import signal
import socket
import stat
import termios
from typing import Any

import pytest

from exod.linux.numbers import NUMBERS
from exod.sandbox import seccomp
from exod.sandbox.bpf import ALLOW, KILL_PROCESS
from tests.exod.sandbox.classic_bpf import AARCH64, ARM, ENOSYS, ENOTSUP, EPERM, I386, X86_64, Program

NUMBER = NUMBERS["x86_64"]
TABLE = seccomp.read()
ALWAYS, GRANTED = TABLE["always"], TABLE["granted"]


@pytest.fixture(scope="module")
def program() -> Program:
    plain, *_ = seccomp.profiles("x86_64")
    return Program(plain)


def granted(*groups: str) -> Program:
    return Program(seccomp.compile_filter(TABLE, "x86_64", granted=groups))


def verdict(program: Program, name: str, *arguments: int) -> int:
    return program.run(NUMBER[name], arguments)


def plain(*groups: dict[str, Any]) -> set[str]:
    return {name for group in groups for name in group["calls"].split()}


def ruled(*groups: dict[str, Any]) -> set[str]:
    return {rule["call"] for group in groups for rule in group.get("rules", ())}


def test_every_number_gets_the_verdict_of_the_table(program: Program) -> None:
    allowed = {NUMBER[name] for name in plain(*ALWAYS.values())}
    denied = {NUMBER[name] for name in TABLE["denied"].split()}
    checked = {NUMBER[name] for name in ruled(*ALWAYS.values())}
    silent = {NUMBER[name] for name in TABLE["unsupported"].split()}
    for number in set(range(1024)) - checked:
        expected = (
            ALLOW if number in allowed else EPERM if number in denied else ENOTSUP if number in silent else ENOSYS
        )
        assert program.run(number) == expected, number


def test_every_number_through_the_x32_entry_ends_the_process(program: Program) -> None:
    for number in (*range(1024), 1 << 20, 1 << 29):
        assert program.run(number | 0x40000000) == KILL_PROCESS


def test_every_number_of_another_architecture_ends_the_process(program: Program) -> None:
    for arch in (I386, ARM, AARCH64, 0):
        assert {program.run(number, arch=arch) for number in range(1024)} == {KILL_PROCESS}


def test_numbers_beyond_any_known_do_not_exist(program: Program) -> None:
    for number in (1024, 5000, 0x3FFFFFFF, 0x80000000, 0xBFFFFFFF):
        assert program.run(number) == ENOSYS


def test_minus_one_carries_the_x32_bit(program: Program) -> None:
    assert program.run(0xFFFFFFFF) == KILL_PROCESS


def test_the_aarch64_filter_knows_its_own_numbers_and_no_other_entry() -> None:
    program = Program(seccomp.compile_filter(TABLE, "aarch64"))
    numbers = NUMBERS["aarch64"]
    assert program.run(numbers["read"], arch=AARCH64) == ALLOW
    assert program.run(numbers["ptrace"], arch=AARCH64) == EPERM
    assert program.run(numbers["clone"], (PTHREAD,), arch=AARCH64) == ALLOW
    assert program.run(0x40000000, arch=AARCH64) == ENOSYS
    assert {program.run(number, arch=arch) for arch in (ARM, X86_64) for number in range(1024)} == {KILL_PROCESS}


def test_every_call_of_the_table_is_known_somewhere_and_has_one_verdict() -> None:
    groups = [*ALWAYS.values(), *GRANTED.values()]
    lists = [plain(*ALWAYS.values()), ruled(*ALWAYS.values()), set(TABLE["unsupported"].split())]
    lists.append(set(TABLE["denied"].split()) - ruled(ALWAYS["memory"]))
    names = [name for names in lists for name in names]
    assert sorted(set(names)) == sorted(names)
    known = {*NUMBERS["x86_64"], *NUMBERS["aarch64"]}
    assert (set(names) | plain(*groups) | ruled(*groups)) <= known


def test_each_word_of_the_table_means_what_the_kernels_headers_say() -> None:
    modules = [errno, fcntl, mmap, os, select, signal, socket, stat, termios]
    found = {name: getattr(module, name) for module in modules for name in TABLE["values"] if hasattr(module, name)}
    assert {name: TABLE["values"][name] for name in found} == {name: int(value) for name, value in found.items()}
    assert len(found) > 60


def test_each_group_that_may_be_granted_is_one_of_the_table() -> None:
    assert seccomp.PROFILES[0] == ()
    assert {name for groups in seccomp.PROFILES for name in groups} <= set(GRANTED)


@pytest.mark.parametrize(
    ("permissions", "reads", "groups"),
    [
        ({}, True, ()),
        ({}, False, ("locks",)),
        ({"processes": ("true",)}, True, ("fork",)),
        ({"native": ("true",)}, True, ("native",)),
        ({"native": ("true",), "processes": ("true",)}, False, ("fork", "locks", "native")),
        ({"filesystem": ("read-only:/a",), "config": ("read:a.b",)}, True, ()),
        ({"filesystem": ("read-only:/etc/listen:tcp:1",), "custom": ("processes",)}, True, ()),
        ({"network": ("tcp:example.org:443",)}, True, ()),
        ({"network": ("listen:tcp:8080",)}, True, ("tcp",)),
        ({"network": ("listen:udp:8080",)}, True, ("udp",)),
        ({"network": ("udp:192.0.2.1:53",)}, True, ("udp",)),
        ({"network": ("listen:udp:8080", "listen:tcp:8080")}, False, ("locks", "tcp", "udp")),
        ({"processes": ("true",), "network": ("udp:192.0.2.1:53",)}, True, ("fork", "udp")),
    ],
)
def test_a_filter_has_the_groups_of_what_was_granted(
    permissions: dict[str, tuple[str, ...]], reads: bool, groups: tuple[str, ...]
) -> None:
    assert seccomp.PROFILES[seccomp.profile(permissions, reads=reads)] == groups


@pytest.mark.parametrize("group", GRANTED)
def test_a_grant_only_adds(program: Program, group: str) -> None:
    more = granted(group)
    opened = {number for number in range(1024) if program.run(number) != more.run(number)}
    assert opened <= {NUMBER[name] for name in plain(GRANTED[group])}
    assert {more.run(number) for number in opened} <= {ALLOW}


STREAM, DATAGRAM, PACKET = 1, 2, 5
HIGH = 1 << 32
CLOEXEC = 0o2000000


@pytest.mark.parametrize(
    ("groups", "name", "arguments", "allowed"),
    [
        (["tcp"], "socket", (2, STREAM | CLOEXEC, 0), True),
        (["tcp"], "socket", (10, STREAM, 6), True),
        (["tcp"], "socket", (2, STREAM, 262), False),
        (["tcp"], "socket", (2, DATAGRAM, 0), False),
        (["tcp"], "socket", (40, STREAM, 0), False),
        (["tcp"], "socket", (38, PACKET, 0), False),
        (["tcp"], "socket", (1, STREAM, 0), False),
        (["tcp"], "sendto", (3, 0, 0, 0, 1, 16), False),
        (["tcp"], "sendto", (3, 0, 0, 0x20000000, 0, 0), False),
        (["tcp"], "setsockopt", (3, 1, 9), True),
        (["tcp"], "setsockopt", (3, 1, 13), False),
        (["tcp"], "setsockopt", (3, 1, 25), False),
        (["tcp"], "setsockopt", (3, 6, 1), True),
        (["tcp"], "setsockopt", (3, 6, 23), False),
        (["tcp"], "setsockopt", (3, 6, 31), False),
        (["tcp"], "setsockopt", (3, 6, 2), False),
        (["udp"], "socket", (2, DATAGRAM, 17), True),
        (["udp"], "socket", (2, STREAM, 0), False),
        (["udp"], "sendto", (3, 0, 0, 0, 1, 16), True),
        (["udp"], "sendto", (3, 0, 0, 0x20000000, 1, 16), False),
        (["udp"], "listen", (), False),
        (["unix"], "socket", (1, PACKET, 0), True),
        (["unix"], "socket", (2, STREAM, 0), False),
        (["unix"], "socketpair", (1, STREAM, 0), True),
        (["tcp", "unix"], "socket", (1, STREAM, 0), True),
        (["tcp", "unix"], "socket", (2, STREAM, 0), True),
        (["tcp", "unix"], "socket", (16, STREAM, 0), False),
        (["fork"], "clone", (17,), True),
        (["fork"], "clone", (0x01200011,), True),
        (["fork"], "clone", (0x10000011,), False),
        (["fork"], "execve", (), False),
        (["fork"], "vfork", (), False),
        (["fork", "exec"], "execve", (), True),
        (["exec"], "execveat", (), False),
        (["locks"], "flock", (3, 2), True),
        (["locks"], "fcntl", (3, 6), True),
        (["locks"], "fcntl", (3, 38), True),
        (["locks"], "fcntl", (3, 1024, 1), False),
        (["links"], "linkat", (), True),
        (["links"], "mknodat", (), False),
        (["native"], "mmap", (0, 4096, 5, 0x802), True),
        (["native"], "mmap", (0, 4096, 5, 0x812), True),
        (["native"], "mmap", (0, 4096, 7, 0x802), False),
        (["native"], "mmap", (0, 4096, 6, 0x802), False),
        (["native"], "mmap", (0, 4096, 4, 0x802), False),
        (["native"], "mmap", (0, 4096, 5 | HIGH, 0x802), False),
        (["native"], "mmap", (0, 4096, 5, 0x22), False),
        (["native"], "mmap", (0, 4096, 5, 0x822), False),
        (["native"], "mmap", (0, 4096, 5, 0x01), False),
        (["native"], "mmap", (0, 4096, 5, 0x03), False),
        (["native"], "mmap", (0, 4096, 5, 0x40002), False),
        (["native"], "mmap", (0, 4096, 5, 0x802 | HIGH), False),
        (["native"], "mmap", (0, 4096, 3, 0x22), True),
        (["native"], "mprotect", (0, 4096, 5), False),
        (["native"], "mprotect", (0, 4096, 4), False),
        (["native"], "mprotect", (0, 4096, 3), True),
        (["native"], "pkey_mprotect", (0, 4096, 5), False),
        (["native"], "memfd_create", (), False),
        (["native"], "personality", (), False),
        (["native"], "execve", (), False),
        (["native"], "seccomp", (1, 0), False),
    ],
)
def test_what_a_grant_opens_and_what_it_leaves_shut(
    groups: list[str], name: str, arguments: tuple[int, ...], allowed: bool
) -> None:
    assert verdict(granted(*groups), name, *arguments) == (ALLOW if allowed else EPERM)


READ, WRITE, EXEC = 1, 2, 4
PTHREAD = 0x003D0F00


@pytest.mark.parametrize(
    ("name", "arguments", "allowed"),
    [
        ("mmap", (0, 4096, READ | WRITE, 0x22), True),
        ("mmap", (0, 4096, READ | EXEC, 0x22), False),
        ("mmap", (0, 4096, READ | HIGH, 0x22), False),
        ("mmap", (0, 4096, 0x01000000, 0x22), False),
        ("mmap", (0, 4096, READ, 0x22 | 0x40000), False),
        ("mmap", (0, 4096, READ, 0x22 | 0x100), False),
        ("mmap", (0, 4096, READ, 0x22 | 0x2000), False),
        ("mmap", (0, 4096, READ, 0x22 | HIGH), False),
        ("mprotect", (0, 4096, READ | WRITE), True),
        ("mprotect", (0, 4096, EXEC), False),
        ("madvise", (0, 4096, 4), True),
        ("madvise", (0, 4096, 100), False),
        ("madvise", (0, 4096, 12), False),
        ("clone", (PTHREAD,), True),
        ("clone", (PTHREAD | 0x10000000,), False),
        ("clone", (17,), False),
        ("clone", (PTHREAD | HIGH,), False),
        ("futex", (0, 0 | 128), True),
        ("futex", (0, 9 | 128 | 256), True),
        ("futex", (0, 3), False),
        ("futex", (0, 0 | HIGH), True),
        ("fcntl", (3, 1030, 0), True),
        ("fcntl", (3, 4, 0o4000), True),
        ("fcntl", (3, 4, 0x2000), False),
        ("fcntl", (3, 5, 0x7FFF2000), True),
        ("fcntl", (3, 8, 1), False),
        ("fcntl", (3, 5), True),
        ("fcntl", (3, 6), False),
        ("fcntl", (3, 7), False),
        ("fcntl", (3, 37), False),
        ("fcntl", (3, 38), False),
        ("flock", (3, 2), False),
        ("fcntl", (3, 1031, 4096), False),
        ("ioctl", (0, 0x541B), True),
        ("ioctl", (0, 0x541B | HIGH), True),
        ("ioctl", (0, 0x5412), False),
        ("ioctl", (0, 0x541C), False),
        ("prctl", (15,), True),
        ("prctl", (4,), False),
        ("prctl", (22,), False),
        ("arch_prctl", (0x1002,), True),
        ("arch_prctl", (0x5001,), False),
        ("pipe2", (0, 0o2000000 | 0o4000), True),
        ("pipe2", (0, 0o40000), False),
        ("fallocate", (3, 1), True),
        ("fallocate", (3, 8), False),
        ("chmod", (0, 0o755), True),
        ("chmod", (0, 0o4755), False),
        ("fchmodat", (0, 0, 0o2755), False),
        ("sendmsg", (3, 0, 0x4040), True),
        ("sendmsg", (3, 0, 0x20000000), False),
        ("sendto", (3, 0, 0, 0, 0, 0), True),
        ("sendto", (3, 0, 0, 1, 0, 0), False),
        ("sendto", (3, 0, 0, 0, 1, 0), False),
        ("sendto", (3, 0, 0, 0, HIGH, 0), False),
        ("getsockopt", (3, 1, 4), True),
        ("getsockopt", (3, 1, 77), False),
        ("getsockopt", (3, 6, 4), False),
        ("prlimit64", (0, 7, 0), True),
        ("prlimit64", (1, 7, 0), False),
        ("prlimit64", (0, 7, HIGH), False),
    ],
)
def test_arguments_are_compared_at_the_kernels_width(
    program: Program, name: str, arguments: tuple[int, ...], allowed: bool
) -> None:
    assert verdict(program, name, *arguments) == (ALLOW if allowed else EPERM)


DANGEROUS = "socket execve fork ptrace bpf io_uring_setup unshare setns pkey_alloc pkey_free pkey_mprotect".split()


@pytest.mark.parametrize("name", DANGEROUS)
def test_what_is_dangerous_is_told_apart_from_what_does_not_exist(program: Program, name: str) -> None:
    assert verdict(program, name) == EPERM


def test_new_thread_calls_do_not_exist_so_that_libc_falls_back(program: Program) -> None:
    assert program.run(435) == ENOSYS
    assert program.run(437) == ENOSYS


@pytest.mark.parametrize("groups", [[], list(GRANTED)])
def test_a_program_fits_and_is_a_tree(groups: list[str]) -> None:
    program = granted(*groups)
    assert len(program.code) // 8 < 1024
    taken = [program.steps for number in range(512) if program.run(number)]
    assert max(taken) < 50
