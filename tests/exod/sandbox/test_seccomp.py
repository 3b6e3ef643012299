"""The filter, run number by number in an interpreter of classic BPF that shares nothing with what made it."""

import struct

import pytest

from exod.linux.numbers import NUMBERS
from exod.sandbox import seccomp
from exod.sandbox.bpf import ALLOW, KILL_PROCESS

X86_64, AARCH64, I386, ARM = 0xC000003E, 0xC00000B7, 0x40000003, 0x40000028
EPERM, ENOSYS, ENOTSUP = 0x50001, 0x50026, 0x5005F
NUMBER = NUMBERS["x86_64"]


def run(program: bytes, *, arch: int, number: int, arguments: tuple[int, ...] = ()) -> int:
    """The verdict on one call (seccomp_data: nr, arch, instruction pointer, six arguments)."""
    padded = [value & 0xFFFFFFFFFFFFFFFF for value in (*arguments, 0, 0, 0, 0, 0, 0)[:6]]
    data = struct.pack("<IIQ6Q", number & 0xFFFFFFFF, arch, 0, *padded)
    instructions = list(struct.iter_unpack("<HBBI", program))
    accumulator = at = 0
    while True:
        code, if_true, if_false, operand = instructions[at]
        at += 1
        match code:
            case 0x20:
                (accumulator,) = struct.unpack_from("<I", data, operand)
            case 0x54:
                accumulator &= operand
            case 0x05:
                at += operand
            case 0x15:
                at += if_true if accumulator == operand else if_false
            case 0x35:
                at += if_true if accumulator >= operand else if_false
            case 0x45:
                at += if_true if accumulator & operand else if_false
            case 0x06:
                return operand
            case _:
                raise AssertionError(f"unknown instruction {code:#x}")


@pytest.fixture(scope="module")
def program() -> bytes:
    return seccomp.compile_filter("x86_64")


def verdict(program: bytes, name: str, *arguments: int) -> int:
    return run(program, arch=X86_64, number=NUMBER[name], arguments=arguments)


def test_every_number_gets_the_verdict_of_the_table(program: bytes) -> None:
    allowed = {NUMBER[name] for name in seccomp.ALLOWED if name in NUMBER}
    denied = {NUMBER[name] for name in seccomp.DENIED if name in NUMBER}
    checked = {NUMBER[name] for name in seccomp.CHECKED}
    silent = {NUMBER[name] for name in seccomp.UNSUPPORTED}
    for number in set(range(1024)) - checked:
        expected = (
            ALLOW if number in allowed else EPERM if number in denied else ENOTSUP if number in silent else ENOSYS
        )
        assert run(program, arch=X86_64, number=number) == expected, number


def test_every_number_through_the_x32_entry_ends_the_process(program: bytes) -> None:
    for number in (*range(1024), 1 << 20, 1 << 29):
        assert run(program, arch=X86_64, number=number | 0x40000000) == KILL_PROCESS


def test_every_number_of_another_architecture_ends_the_process(program: bytes) -> None:
    for arch in (I386, ARM, AARCH64, 0):
        assert {run(program, arch=arch, number=number) for number in range(1024)} == {KILL_PROCESS}


def test_numbers_beyond_any_known_do_not_exist(program: bytes) -> None:
    for number in (1024, 5000, 0x3FFFFFFF, 0x80000000, 0xBFFFFFFF):
        assert run(program, arch=X86_64, number=number) == ENOSYS


def test_minus_one_carries_the_x32_bit(program: bytes) -> None:
    assert run(program, arch=X86_64, number=0xFFFFFFFF) == KILL_PROCESS


def test_the_aarch64_filter_knows_its_own_numbers_and_no_other_entry() -> None:
    program = seccomp.compile_filter("aarch64")
    numbers = NUMBERS["aarch64"]
    assert run(program, arch=AARCH64, number=numbers["read"]) == ALLOW
    assert run(program, arch=AARCH64, number=numbers["ptrace"]) == EPERM
    assert run(program, arch=AARCH64, number=0x40000000) == ENOSYS
    assert {run(program, arch=arch, number=number) for arch in (ARM, X86_64) for number in range(1024)} == {
        KILL_PROCESS
    }


def test_no_call_has_two_verdicts() -> None:
    lists = [seccomp.ALLOWED, seccomp.DENIED, seccomp.UNSUPPORTED, list(seccomp.CHECKED)]
    names = [name for names in lists for name in names]
    assert sorted(set(names)) == sorted(names)


HIGH = 1 << 32
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
        ("fcntl", (3, 6, 0x7FFF2000), True),
        ("fcntl", (3, 8, 1), False),
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
    program: bytes, name: str, arguments: tuple[int, ...], allowed: bool
) -> None:
    assert verdict(program, name, *arguments) == (ALLOW if allowed else EPERM)


@pytest.mark.parametrize("name", ["socket", "execve", "fork", "ptrace", "bpf", "io_uring_setup", "unshare", "setns"])
def test_what_is_dangerous_is_told_apart_from_what_does_not_exist(program: bytes, name: str) -> None:
    assert verdict(program, name) == EPERM


def test_new_thread_calls_do_not_exist_so_that_libc_falls_back(program: bytes) -> None:
    assert run(program, arch=X86_64, number=435) == ENOSYS
    assert run(program, arch=X86_64, number=437) == ENOSYS


def test_the_program_fits_and_is_a_tree(program: bytes) -> None:
    assert len(program) // 8 < 1024
    steps = [run_length(program, number) for number in range(512)]
    assert max(steps) < 40


def run_length(program: bytes, number: int) -> int:
    """Instructions executed for a call with all arguments zero."""
    instructions = list(struct.iter_unpack("<HBBI", program))
    data = struct.pack("<IIQ6Q", number, X86_64, 0, *[0] * 6)
    accumulator = at = count = 0
    while True:
        code, if_true, if_false, operand = instructions[at]
        at, count = at + 1, count + 1
        if code == 0x06:
            return count
        if code == 0x20:
            (accumulator,) = struct.unpack_from("<I", data, operand)
        elif code == 0x05:
            at += operand
        elif code == 0x54:
            accumulator &= operand
        else:
            holds = {0x15: accumulator == operand, 0x35: accumulator >= operand, 0x45: bool(accumulator & operand)}[
                code
            ]
            at += if_true if holds else if_false
