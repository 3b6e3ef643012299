"""Attempts on IPC of the host: what lies outside every file system, by number or name."""

import struct

from tests.security.hostile.attempt import Theme

THEME = Theme()
attempt = THEME.attempt


@attempt(12, "ipc zygote seccomp")
def read_shared_memory_by_number(kernel, told):
    """reads a System V shared memory segment of the host"""
    return kernel.peek(kernel.shmat(told["shared"], 0, 0o10000), 23).decode()


@attempt(12, "ipc zygote seccomp", seen=lambda scene: scene.world.semaphore() == 1)
def post_a_semaphore_of_the_host(kernel, told):
    """posts a System V semaphore of the host"""
    kernel.semop(told["semaphore"], struct.pack("<Hhh", 0, 1, 0), 1)


@attempt(12, "ipc zygote seccomp", seen=lambda scene: scene.world.message() == b"from inside")
def send_a_message_to_the_host(kernel, told):
    """sends into a System V message queue of the host"""
    kernel.msgsnd(told["messages"], struct.pack("<q", 1) + b"from inside", 11, 0)


@attempt(12, "ipc zygote seccomp landlock")
def read_a_posix_queue_of_the_host(kernel, told):
    """receives from a POSIX message queue of the host"""
    queue = kernel.mq_open(told["queue"].encode() + b"\0", 0o4000, 0, 0)
    into = bytearray(8192)
    return bytes(into[: kernel.mq_timedreceive(queue, into, 8192, 0, 0)]).decode()


@attempt(12, "seccomp")
def make_shared_memory_for_siblings(kernel, told):
    """makes System V shared memory that everybody may attach"""
    shared = kernel.shmget(0, 4096, 0o1666)
    return kernel.shmat(shared, 0, 0) > 0


@attempt(12, "seccomp landlock limits")
def open_a_posix_queue(kernel, told):
    """makes a POSIX message queue, which outlives its maker in its namespace"""
    return kernel.mq_open(b"kept\0", 0o102, 0o600, 0) > 0
