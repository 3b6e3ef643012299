"""Descriptors that strangers sent → closed, never on the thread that asks for it.

A discarded socket with SO_LINGER or a file of a FUSE mount decides how long close() takes: 5.2 s were seen. As many
threads as descriptors wait at once, up to eight, so that one that hangs holds up no other. Eight that hang hold up the
rest, until they return or the process ends.
"""

import contextlib
import os
import socket
import struct
import threading
from collections.abc import Iterable
from queue import Empty, SimpleQueue
from typing import Final

_NO_LINGER: Final = struct.pack("ii", 0, 0)
_waiting: Final[SimpleQueue[int]] = SimpleQueue()
_places: Final = threading.Semaphore(8)


def close_elsewhere(descriptors: Iterable[int]) -> None:
    for fd in descriptors:
        _waiting.put(fd)
        _begin()


def _begin() -> None:
    if not _waiting.empty() and _places.acquire(blocking=False):
        threading.Thread(target=_work, name="fd-closer", daemon=True).start()


def _work() -> None:
    with contextlib.suppress(Empty):
        while True:
            _close(_waiting.get_nowait())
    _places.release()
    _begin()  # for what was handed in after the last look, while no place was free


def _close(fd: int) -> None:
    try:
        end = socket.socket(fileno=fd)  # asks the kernel alone: to look at a file may take its owner's time as well
    except OSError:
        with contextlib.suppress(OSError):
            os.close(fd)
        return
    with contextlib.suppress(OSError), end:
        # The last holder pays for lingering; if that is us, it is switched off first.
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
