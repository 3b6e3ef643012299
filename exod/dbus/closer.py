"""Closes descriptors that strangers sent, never on the loop.

A discarded socket with SO_LINGER or a file of a FUSE mount decides how long close() takes: 5.2 s were seen.
"""

import contextlib
import os
import socket
import stat
import struct
import threading
from collections.abc import Iterable
from queue import SimpleQueue
from typing import Final

_THREADS: Final = 8
_NO_LINGER: Final = struct.pack("ii", 0, 0)


class Closer:
    """As many threads as descriptors wait at once, up to eight, so that one that hangs holds up no other.

    Eight that hang hold up the rest, until they return or the process ends.
    """

    def __init__(self) -> None:
        self._queue: SimpleQueue[int | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._idle = 0
        self._threads = 0

    def close(self, descriptors: Iterable[int]) -> None:
        for fd in descriptors:
            self._queue.put(fd)
        with self._lock:
            more = max(0, min(self._queue.qsize() - self._idle, _THREADS - self._threads))
            self._threads += more
        for _ in range(more):
            threading.Thread(target=self._work, name="fd-closer", daemon=True).start()

    def _work(self) -> None:
        while True:
            with self._lock:
                self._idle += 1
            try:
                fd = self._queue.get()
            finally:
                with self._lock:
                    self._idle -= 1
            if fd is None:
                break
            _close(fd)
        with self._lock:
            self._threads -= 1

    def stop(self) -> None:
        """Lets the threads end once all that was handed in is closed."""
        with self._lock:
            for _ in range(self._threads):
                self._queue.put(None)


def _close(fd: int) -> None:
    with contextlib.suppress(OSError):
        if stat.S_ISSOCK(os.fstat(fd).st_mode):
            # The last holder pays for lingering; if that is us, it is switched off first.
            with socket.socket(fileno=os.dup(fd)) as duplicate:
                duplicate.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
    with contextlib.suppress(OSError):
        os.close(fd)
