"""Attempts of a package that was granted `native`: what may map the code of files tries to make code of data."""

import os

from tests.security.hostile.attempt import Theme

THEME = Theme(native=True)
attempt = THEME.attempt


@attempt(11, "seccomp no-new-code", since=("no-new-code", (6, 3)))
def native_map_memory_to_write_and_execute(kernel, told):
    """with native: maps memory that it may write and execute"""
    place = kernel.mmap(0, 4096, 7, 0x22, -1, 0)
    kernel.poke(place, kernel.CODE)
    return kernel.run(place) == 42


@attempt(11, "seccomp no-new-code", since=("no-new-code", (6, 3)))
def native_make_memory_executable(kernel, told):
    """with native: writes code into memory and makes it executable"""
    place = kernel.mmap(0, 4096, 3, 0x22, -1, 0)
    kernel.poke(place, kernel.CODE)
    kernel.mprotect(place, 4096, 5)
    return kernel.run(place) == 42


@attempt(38, "seccomp no-new-code", since=("no-new-code", (6, 3)))
def native_make_memory_executable_by_key(kernel, told):
    """with native: makes memory executable with pkey_mprotect"""
    place = kernel.mmap(0, 4096, 3, 0x22, -1, 0)
    kernel.poke(place, kernel.CODE)
    kernel.pkey_mprotect(place, 4096, 5, -1)
    return kernel.run(place) == 42


@attempt(38, "seccomp no-new-code", since=("no-new-code", (6, 3)))
def native_write_what_was_executable_and_make_it_so_again(kernel, told):
    """with native: maps executable memory, makes it writable, and executable again"""
    place = kernel.mmap(0, 4096, 5, 0x22, -1, 0)
    kernel.mprotect(place, 4096, 3)
    kernel.poke(place, kernel.CODE)
    kernel.mprotect(place, 4096, 5)
    return kernel.run(place) == 42


@attempt(38, "seccomp no-new-code", since=("no-new-code", (6, 3)))
def native_write_into_its_mapped_code(kernel, told):
    """with native: maps a verified file as code, writes into the mapping, and makes it code again"""
    descriptor = os.open("/plugin/code/hello.py", os.O_RDONLY)
    place = kernel.mmap(0, 4096, 5, 2, descriptor, 0)
    kernel.mprotect(place, 4096, 3)
    kernel.poke(place, kernel.CODE)
    kernel.mprotect(place, 4096, 5)
    return kernel.run(place) == 42


@attempt(38, "seccomp no-new-code", since=("no-new-code", (6, 3)))
def native_map_its_code_to_write_it(kernel, told):
    """with native: maps a verified file to be written and executed"""
    descriptor = os.open("/plugin/code/hello.py", os.O_RDONLY)
    place = kernel.mmap(0, 4096, 7, 2, descriptor, 0)
    kernel.poke(place, kernel.CODE)
    return kernel.run(place) == 42


@attempt(38, "seccomp no-new-code", since=("no-new-code", (6, 3)))
def native_let_reading_mean_executing(kernel, told):
    """with native: asks by its personality that what can be read can be executed"""
    kernel.personality(0x0400000)
    place = kernel.mmap(0, 4096, 3, 0x22, -1, 0)
    kernel.poke(place, kernel.CODE)
    return kernel.run(place) == 42


@attempt(38, "seccomp")
def native_map_a_memfd_twice(kernel, told):
    """with native: maps a memfd to write it, and once more to execute it"""
    descriptor = kernel.memfd_create(b"code\0", 0)
    os.ftruncate(descriptor, 4096)
    kernel.poke(kernel.mmap(0, 4096, 3, 1, descriptor, 0), kernel.CODE)
    return kernel.run(kernel.mmap(0, 4096, 5, 2, descriptor, 0)) == 42


@attempt(38, "seccomp")
def native_attach_shared_memory_to_execute(kernel, told):
    """with native: attaches System V shared memory twice, to write and to execute"""
    shared = kernel.shmget(0, 4096, 0o1700)
    kernel.poke(kernel.shmat(shared, 0, 0), kernel.CODE)
    return kernel.run(kernel.shmat(shared, 0, 0o110000)) == 42


@attempt(38, "no-exec")
def native_map_code_from_its_tmp(kernel, told):
    """with native: writes code into its own /tmp and maps it to be executed"""
    with open("/tmp/code", "wb") as file:
        file.write(kernel.CODE.ljust(4096, b"\x90"))
    descriptor = os.open("/tmp/code", os.O_RDONLY)
    return kernel.run(kernel.mmap(0, 4096, 5, 2, descriptor, 0)) == 42


@attempt(38, "no-exec", state=True)
def native_map_code_from_its_data(kernel, told):
    """with native: writes code into /state, as a package that fetched more would, and maps it to be executed"""
    with open("/state/code", "wb") as file:
        file.write(kernel.CODE.ljust(4096, b"\x90"))
    descriptor = os.open("/state/code", os.O_RDONLY)
    return kernel.run(kernel.mmap(0, 4096, 5, 2, descriptor, 0)) == 42


@attempt(38, "no-exec", files=("library",))
def native_load_a_granted_library(kernel, told):
    """with native: loads a library of the host that was granted to be read"""
    import _imp
    import importlib.machinery

    path = told["directory"] + "/library"
    try:
        return _imp.create_dynamic(importlib.machinery.ModuleSpec("_attack", None, origin=path)) is not None
    except ImportError:
        return False


@attempt(37, "sealed owner landlock")
def native_map_code_that_it_put_beside_its_own(kernel, told):
    """with native: puts a file beside the code that was verified and maps it to be executed"""
    with open("/plugin/code/new", "wb") as file:
        file.write(kernel.CODE.ljust(4096, b"\x90"))
    descriptor = os.open("/plugin/code/new", os.O_RDONLY)
    return kernel.run(kernel.mmap(0, 4096, 5, 2, descriptor, 0)) == 42


@attempt(38, "seccomp root zygote landlock")
def native_write_code_through_procfs(kernel, told):
    """with native: writes into its own code through /proc/self/mem"""
    kernel.prctl(4, 1, 0, 0, 0)
    place = kernel.harmless()
    with open("/host/proc/self/mem", "r+b", buffering=0) as memory:
        memory.seek(place)
        memory.write(kernel.CODE)
    return kernel.run(place) == 42


@attempt(38, "seccomp")
def native_write_code_by_tracing(kernel, told):
    """with native: has a child traced and writes into its code"""
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


@attempt(38, "loaded")
def native_map_code_of_its_package_after_it_was_loaded(kernel, told):
    """with native: maps code of its package when all that it needs was loaded"""
    descriptor = os.open("/plugin/code/answer.bin", os.O_RDONLY)
    return kernel.run(kernel.mmap(0, 4096, 5, 2, descriptor, 0)) == 42
