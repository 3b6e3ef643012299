"""Whoever reads a memory can also take the sleepers off its words, or wake them: that costs a nap, and no message."""

import ctypes
import mmap
import os
import platform
import struct
import threading
from collections.abc import Callable

import pytest

from tests.exosdk.ring import rig, traffic
from tests.exosdk.ring.rig import Ends

FUTEX = {"x86_64": 202, "aarch64": 98}[platform.machine()]
WAIT, WAKE, REQUEUE = 0, 1, 3
ALL = 0x7FFFFFFF
MESSAGES = 8
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.argtypes = [ctypes.c_long, ctypes.c_void_p, ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]


def requeue(word: int, own: int) -> int:
    return int(libc.syscall(FUTEX, word, REQUEUE, 0, ALL, own))


def wake(word: int, _: int) -> int:
    return int(libc.syscall(FUTEX, word, WAKE, ALL, None, None))


def wait(word: int, own: int) -> int:
    """In the queue before the one that it is for, if only one were woken."""
    ctypes.memmove(own + 64, struct.pack("<qq", 0, 1_000_000), 16)
    value = ctypes.c_uint32.from_buffer_copy(ctypes.string_at(word, 4)).value
    libc.syscall(FUTEX, word, WAIT, value, own + 64, None)
    return 1


def steal(theft: Callable[[int, int], int], ends: Ends, told: mmap.mmap, parent: int) -> None:
    """Counts what it got hold of; through a map that it may only read, as the other end has it."""
    words = [ctypes.c_char.from_buffer(one) for one in (ends.front, mmap.mmap(-1, mmap.PAGESIZE))]
    front, own = map(ctypes.addressof, words)
    assert libc.mprotect(ctypes.c_void_p(front), ctypes.c_size_t(len(ends.front)), mmap.PROT_READ) == 0
    stolen = 0
    while not told[8] and os.getppid() == parent:
        stolen += max(0, theft(front + rig.RUNG, own))
        told[:8] = struct.pack("<Q", stolen)
    os._exit(0)


def receive(ends: Ends, got: list[bytes]) -> None:
    while len(got) < MESSAGES and ends.consumer.wait(30.0):
        got += [payload for _, payload in ends.drain()]


@pytest.mark.slow
@pytest.mark.parametrize("theft", [requeue, wake, wait], ids=["requeued", "woken for nothing", "others wait too"])
def test_a_sleeper_that_is_stolen_or_disturbed_gets_every_message(theft: Callable[[int, int], int]) -> None:
    """Each message is sent once the thief has struck again since the last."""
    got: list[bytes] = []
    with rig.ends() as ends, mmap.mmap(-1, mmap.PAGESIZE) as told:
        parent = os.getpid()
        pid = traffic.forked(lambda: steal(theft, ends, told, parent))
        thread = threading.Thread(target=receive, args=(ends, got))
        thread.start()
        for number in range(MESSAGES):
            struck = told[:8]
            while told[:8] == struck and thread.is_alive():
                os.sched_yield()
            assert ends.producer.push(1, bytes([number]))
        thread.join()
        told[8] = 1
        assert os.waitpid(pid, 0)[1] == 0
    assert got == [bytes([number]) for number in range(MESSAGES)]
