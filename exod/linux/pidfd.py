"""pidfds: a process that cannot be mistaken for a later one with the same number."""

import fcntl
import os
import select
import signal
import struct

from exod.linux.descriptors import opened

pidfd_open = os.pidfd_open
pidfd_send_signal = signal.pidfd_send_signal

WALL = 0x40000000
"""__WALL: also children whose exit signal is 0, as CLONE_PARENT makes them; without it waitid says ECHILD."""

_GET_INFO = 0xC040FF0B
_INFO_EXIT = 1 << 3
_INFO = struct.Struct("=QQ11Ii")


def waitid(pidfd: int, *, keep: bool = False) -> os.waitid_result | None:
    """How the child behind `pidfd` ended, None while it runs; `keep` leaves it to be waited for again."""
    return os.waitid(os.P_PIDFD, pidfd, os.WEXITED | os.WNOHANG | WALL | (os.WNOWAIT if keep else 0))


def kill(child: int) -> None:
    """Of one that was not waited for yet: its number cannot be another's."""
    with opened(pidfd_open(child)) as pidfd:
        pidfd_send_signal(pidfd, signal.SIGKILL)


def ended(pidfd: int, *, seconds: float = 0.0) -> bool:
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    return bool(poll.poll(int(seconds * 1000)))


def pidfd_get_info(pidfd: int) -> int | None:
    """The wait status of an ended process that somebody else reaped; None where the kernel (< 6.15) does not tell."""
    data = bytearray(_INFO.pack(_INFO_EXIT, *[0] * 13))
    try:
        fcntl.ioctl(pidfd, _GET_INFO, data)
    except OSError:
        return None
    fields = _INFO.unpack(data)
    return int(fields[-1]) if fields[0] & _INFO_EXIT else None


def pidfd_pid(pidfd: int) -> int:
    """The pid behind `pidfd` as this process numbers it; -1 when it has ended and was reaped, 0 when it is no pidfd."""
    with open(f"/proc/self/fdinfo/{pidfd}", encoding="ascii") as file:
        rows = dict(line.partition(":")[::2] for line in file)
    return int(rows.get("Pid", "0"))
