"""pidfds: waiting, looking, and who is behind one."""

import fcntl
import os
import signal
import struct
from collections.abc import Iterator

import pytest

from exod.linux import pidfd


@pytest.fixture
def child() -> Iterator[tuple[int, int]]:
    pid = os.fork()
    if pid == 0:
        signal.pause()
        os._exit(0)
    descriptor = pidfd.pidfd_open(pid)
    yield pid, descriptor
    os.close(descriptor)


def test_a_child_is_waited_for_without_waiting(child: tuple[int, int]) -> None:
    pid, descriptor = child
    assert pidfd.waitid(descriptor) is None
    assert not pidfd.ended(descriptor)
    pidfd.pidfd_send_signal(descriptor, signal.SIGKILL)
    assert pidfd.ended(descriptor, seconds=5)
    kept = pidfd.waitid(descriptor, keep=True)
    taken = pidfd.waitid(descriptor)
    assert kept is not None
    assert taken is not None
    assert (kept.si_pid, taken.si_status) == (pid, signal.SIGKILL)
    with pytest.raises(ChildProcessError):
        pidfd.waitid(descriptor)


def test_the_pid_behind_a_pidfd(child: tuple[int, int]) -> None:
    pid, descriptor = child
    assert pidfd.pidfd_pid(descriptor) == pid
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    assert pidfd.pidfd_pid(descriptor) == -1
    assert pidfd.pidfd_pid(0) == 0


def test_a_status_that_somebody_else_took_is_told_where_the_kernel_can(child: tuple[int, int]) -> None:
    pid, descriptor = child
    assert pidfd.pidfd_get_info(descriptor) is None
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    assert pidfd.pidfd_get_info(descriptor) in (None, signal.SIGKILL)


def test_a_status_is_read_from_where_the_kernel_puts_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def tell(_: int, __: int, data: bytearray) -> int:
        data[:] = struct.pack("=QQ11Ii", 1 << 3, 0, *[0] * 11, 3 << 8)
        return 0

    monkeypatch.setattr(fcntl, "ioctl", tell)
    assert pidfd.pidfd_get_info(0) == 3 << 8


def test_what_is_no_pidfd_has_no_status() -> None:
    assert pidfd.pidfd_get_info(0) is None
