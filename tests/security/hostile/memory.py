"""Attempts on memory: code made out of data, memory that is shared or hidden, layouts that are learned."""

import os
import struct

from tests.security.hostile.attempt import Theme

THEME = Theme()
attempt = THEME.attempt


@attempt(11, "seccomp no-new-code", since=("no-new-code", (6, 3)))
def map_memory_to_write_and_execute(kernel, told):
    """maps memory that it may write and execute"""
    place = kernel.mmap(0, 4096, 7, 0x22, -1, 0)
    kernel.poke(place, kernel.CODE)
    return kernel.run(place) == 42


@attempt(11, "seccomp no-new-code", since=("no-new-code", (6, 3)))
def make_memory_executable(kernel, told):
    """writes code into memory and makes it executable"""
    place = kernel.mmap(0, 4096, 3, 0x22, -1, 0)
    kernel.poke(place, kernel.CODE)
    kernel.mprotect(place, 4096, 5)
    return kernel.run(place) == 42


@attempt(38, "seccomp no-new-code", since=("no-new-code", (6, 3)))
def make_memory_executable_by_key(kernel, told):
    """makes memory executable with pkey_mprotect"""
    place = kernel.mmap(0, 4096, 3, 0x22, -1, 0)
    kernel.poke(place, kernel.CODE)
    kernel.pkey_mprotect(place, 4096, 5, -1)
    return kernel.run(place) == 42


@attempt(38, "seccomp no-new-code", since=("no-new-code", (6, 3)))
def let_reading_mean_executing(kernel, told):
    """asks by its personality that what can be read can be executed"""
    kernel.personality(0x0400000)
    place = kernel.mmap(0, 4096, 3, 0x22, -1, 0)
    kernel.poke(place, kernel.CODE)
    return kernel.run(place) == 42


@attempt(38, "seccomp no-exec")
def map_code_from_its_tmp(kernel, told):
    """writes code into its own /tmp and maps it to be executed"""
    with open("/tmp/code", "wb") as file:
        file.write(kernel.CODE.ljust(4096, b"\x90"))
    descriptor = os.open("/tmp/code", os.O_RDONLY)
    return kernel.run(kernel.mmap(0, 4096, 5, 2, descriptor, 0)) == 42


@attempt(38, "seccomp")
def map_code_from_a_memfd(kernel, told):
    """writes code into a memfd and maps it to be executed"""
    descriptor = kernel.memfd_create(b"code\0", 0)
    os.write(descriptor, kernel.CODE.ljust(4096, b"\x90"))
    return kernel.run(kernel.mmap(0, 4096, 5, 1, descriptor, 0)) == 42


@attempt(38, "seccomp")
def attach_shared_memory_to_execute(kernel, told):
    """attaches System V shared memory twice, to write and to execute"""
    shared = kernel.shmget(0, 4096, 0o1700)
    kernel.poke(kernel.shmat(shared, 0, 0), kernel.CODE)
    return kernel.run(kernel.shmat(shared, 0, 0o110000)) == 42


@attempt(38, "seccomp root zygote landlock")
def write_code_through_procfs(kernel, told):
    """writes into its own code through /proc/self/mem"""
    kernel.prctl(4, 1, 0, 0, 0)
    place = kernel.harmless()
    with open("/host/proc/self/mem", "r+b", buffering=0) as memory:
        memory.seek(place)
        memory.write(kernel.CODE)
    return kernel.run(place) == 42


@attempt(38, "seccomp")
def write_code_by_tracing(kernel, told):
    """has a child traced and writes into its code"""
    import signal

    place = kernel.harmless()
    kernel.prctl(4, 1, 0, 0, 0)
    pid = kernel.clone(17, 0, 0, 0, 0)
    if pid == 0:
        kernel.ptrace(0, 0, 0, 0)
        os.kill(os.getpid(), signal.SIGSTOP)
        os._exit(kernel.run(place))
    os.waitpid(pid, 0)
    kernel.ptrace(4, pid, place, int.from_bytes(kernel.CODE + b"\x90\x90", "little"))
    kernel.ptrace(7, pid, 0, 0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 42


@attempt(11, "seccomp")
def handle_its_own_page_faults(kernel, told):
    """opens a userfaultfd, which stops the kernel wherever it touches memory"""
    descriptor = kernel.userfaultfd(1)
    asked = bytearray(struct.pack("<3Q", 0xAA, 0, 0))
    return kernel.ioctl(descriptor, 0xC018AA3F, asked) == 0


@attempt(13, "seccomp limits")
def lock_memory(kernel, told):
    """locks memory, which can then not be taken back"""
    place = kernel.mmap(0, 4096, 3, 0x22, -1, 0)
    return kernel.mlock(place, 4096) == 0


@attempt(44, "seccomp")
def hold_memory_in_a_memfd(kernel, told):
    """makes a memfd, whose pages whoever maps it may have to pay for"""
    descriptor = kernel.memfd_create(b"held\0", 2)
    os.ftruncate(descriptor, 1 << 20)
    return kernel.fcntl(descriptor, 1033, 4) == 0


@attempt(38, "seccomp")
def rearrange_a_file_mapping(kernel, told):
    """rearranges the pages of a mapping with remap_file_pages"""
    descriptor = os.open("/tmp/pages", os.O_CREAT | os.O_RDWR, 0o600)
    os.truncate(descriptor, 8192)
    place = kernel.mmap(0, 8192, 3, 1, descriptor, 0)
    return kernel.remap_file_pages(place, 4096, 0, 1, 0) == 0


@attempt(11, "seccomp")
def change_its_segments(kernel, told):
    """writes an entry into its local descriptor table"""
    entry = struct.pack("<4I", 0, 0, 0xFFFFF, 0b0001_0001)
    return kernel.modify_ldt(1, entry, len(entry)) == 0


def tell_its_layout(kernel, told):
    return kernel.harmless()


def fault(kernel, told):
    kernel.peek(8, 1)


async def crash(scene):
    scene.sibling.order(fault, {})
    await scene.house.ended(scene.sibling)


@attempt(39, "generation", sibling=tell_its_layout, before=crash)
def use_a_layout_learned_by_a_crash(kernel, told):
    """uses an address that an instance of it told before it crashed"""
    return kernel.harmless() == told["victim"]
