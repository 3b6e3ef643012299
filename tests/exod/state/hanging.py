"""A FUSE file system of one file, served by a thread that answers everything but a read: the file of an attacker.

Spoken straight to /dev/fuse (include/uapi/linux/fuse.h), so that a test needs no library, only root.
"""

import contextlib
import ctypes
import os
import select
import struct
import threading
from pathlib import Path

LOOKUP, FORGET, GETATTR, OPEN, READ, RELEASE, FLUSH, INIT, OPENDIR, BATCH_FORGET = 1, 2, 3, 14, 15, 18, 25, 26, 27, 42
MNT_DETACH = 2
SIZE = 1000
ENOSYS = 38

# Not mount(8): a child closes what it inherits, and the close of a file that is being read waits for the read.
_LIBC = ctypes.CDLL(None, use_errno=True)


def _checked(result: int) -> None:
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


class Hanging:
    """Mounted at `place` until `close`; `requests` numbers all that was asked, `reading` is set by a read."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.file = place / "file"
        self.requests: list[int] = []
        self.reading = threading.Event()
        self._fuse = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
        place.mkdir()
        options = f"fd={self._fuse},rootmode=40000,user_id=0,group_id=0"
        _checked(_LIBC.mount(b"hanging", bytes(place), b"fuse", 0, options.encode()))
        self._mounted = True
        self._stop, self._stopper = os.pipe2(os.O_CLOEXEC)
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def hide(self) -> None:
        """Take the mount out of this namespace; what is open stays open."""
        _checked(_LIBC.umount2(bytes(self.place), MNT_DETACH))
        self._mounted = False

    def close(self) -> None:
        """Unmount and hang up: whoever waits for an answer gets an error."""
        if self._mounted:
            self.hide()
        stopper, self._stopper = self._stopper, -1
        if stopper >= 0:
            os.close(stopper)
            self._thread.join()

    def _serve(self) -> None:
        while self._fuse in select.select([self._fuse, self._stop], [], [])[0]:
            try:
                self._answer(os.read(self._fuse, 1 << 17))
            except OSError:  # ENODEV: unmounted, and nobody holds a file of it any more
                break
        os.close(self._fuse)
        os.close(self._stop)

    def _answer(self, request: bytes) -> None:
        _, opcode, unique = struct.unpack_from("<IIQ", request)
        self.requests.append(opcode)
        if opcode == READ:
            self.reading.set()
        elif opcode not in (FORGET, BATCH_FORGET):
            _answer(self._fuse, unique, opcode, struct.unpack_from("<Q", request, 16)[0])


def _answer(fuse: int, unique: int, opcode: int, node: int) -> None:
    bodies = {
        INIT: lambda: struct.pack("<IIIIHHIIHHI28x", 7, 31, 0, 0, 1, 1, 4096, 1, 1, 0, 0),
        LOOKUP: lambda: struct.pack("<QQQQII", 2, 0, 3600, 3600, 0, 0) + _attributes(2),
        GETATTR: lambda: struct.pack("<QII", 3600, 0, 0) + _attributes(node),
        OPEN: lambda: struct.pack("<QII", 1, 0, 0),
        OPENDIR: lambda: struct.pack("<QII", 1, 0, 0),
        RELEASE: lambda: b"",
        FLUSH: lambda: b"",
    }
    body = bodies[opcode]() if opcode in bodies else b""
    with contextlib.suppress(FileNotFoundError):  # whoever asked went away, or the mount did
        os.write(fuse, struct.pack("<IiQ", 16 + len(body), 0 if opcode in bodies else -ENOSYS, unique) + body)


def _attributes(node: int) -> bytes:
    mode = 0o040755 if node == 1 else 0o100644
    times = (0,) * 3
    return struct.pack("<QQQ3Q3I7I", node, SIZE, 2, *times, *times, mode, 1, 0, 0, 0, 4096, 0)
