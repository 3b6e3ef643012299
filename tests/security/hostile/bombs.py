"""Attempts to use up what others need: processes, files, memory of the kernel; each with a ceiling of its own."""

import os
import socket
import struct

from tests.security.hostile.attempt import Theme

THEME = Theme()
attempt = THEME.attempt


@attempt(13, "seccomp limits")
def bomb_of_forks(kernel, told):
    """forks 64 times, each child waiting for the last"""
    reading, writing = os.pipe()
    children = []
    for _ in range(64):
        pid = kernel.clone(17, 0, 0, 0, 0)
        if pid == 0:
            os.close(writing)
            os.read(reading, 1)
            os._exit(0)
        children.append(pid)
    os.close(writing)
    return [os.waitpid(pid, 0)[1] for pid in children] == [0] * 64


@attempt(13, "tmp")
def bomb_of_bytes(kernel, told):
    """writes 8 MiB into its own /tmp"""
    with open("/tmp/bomb", "wb") as file:
        for _ in range(8):
            file.write(bytes(1 << 20))
    return os.stat("/tmp/bomb").st_size == 8 << 20


@attempt(13, "tmp")
def bomb_of_files(kernel, told):
    """makes 2000 files in its own /tmp"""
    for number in range(2000):
        os.close(os.open(f"/tmp/{number}", os.O_CREAT | os.O_WRONLY, 0o600))
    return True


def idle(kernel, told):
    """A sibling that only is there."""


def measure(kernel, told):
    """How much a new pipe of a sibling takes."""
    _, writing = os.pipe2(os.O_NONBLOCK)
    return os.write(writing, bytes(1 << 16))


@attempt(44, "own-uid limits", sibling=idle, seen=lambda scene: scene.sibling.order(measure, {})["found"] < 1 << 16)
def bomb_of_pipes(kernel, told):
    """opens so many pipes that others of its uid get only small ones"""
    for _ in range(1100):
        os.pipe()


@attempt(13, "seccomp")
def bomb_of_shared_memory(kernel, told):
    """makes 64 System V shared memory segments"""
    return len({kernel.shmget(0, 4096, 0o1600) for _ in range(64)}) == 64


@attempt(13, "seccomp")
def bomb_of_messages(kernel, told):
    """fills System V message queues"""
    queues = {kernel.msgget(0, 0o1600) for _ in range(64)}
    message = struct.pack("<q", 1) + bytes(4096)
    return all(kernel.msgsnd(queue, message, 4096, 0) == 0 for queue in queues)


@attempt(13, "seccomp")
def bomb_of_semaphores(kernel, told):
    """makes 64 sets of System V semaphores"""
    return len({kernel.semget(0, 100, 0o1600) for _ in range(64)}) == 64


@attempt(13, "seccomp limits")
def bomb_of_sockets(kernel, told):
    """fills sockets, whose bytes lie in memory of the kernel"""
    pairs = [socket.socketpair() for _ in range(64)]
    return sum(one.send(bytes(1 << 14)) for one, _ in pairs) == 64 << 14


@attempt(44, "seccomp")
def bomb_of_a_wide_pipe(kernel, told):
    """widens a pipe to 1 MiB of memory of the kernel"""
    return kernel.fcntl(os.pipe()[1], 1031, 1 << 20) >= 1 << 20


@attempt(13, "seccomp")
def bomb_of_timers(kernel, told):
    """makes 64 timers"""
    return all(kernel.raw(kernel.number("timer_create"), 1, 0, bytearray(4))[0] == 0 for _ in range(64))


@attempt(13, "seccomp")
def bomb_of_watches(kernel, told):
    """watches 64 directories with inotify"""
    descriptor = kernel.inotify_init1(0)
    for number in range(64):
        os.mkdir(f"/tmp/{number}")
        kernel.inotify_add_watch(descriptor, f"/tmp/{number}\0".encode(), 0x20)
    return True
