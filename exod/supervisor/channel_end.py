"""One SEQPACKET socket ↔ whole messages: never blocking, never more than its share of a turn, no descriptor accepted.

Refuses, with `ViolationError`, what no honest instance sends: descriptors, cut and empty messages. May use the loop it
is made in. It never sets O_NONBLOCK and never calls shutdown(): both belong to the description the keeper shares.
"""

import asyncio
import contextlib
import socket
import struct
import time
from collections import deque
from collections.abc import Callable, Sequence

from exod.closer import close_elsewhere
from exosdk.wire import MAX_FRAME

SO_PASSRIGHTS = 83
"""Linux 6.16: 0 makes a send with descriptors fail with EPERM at the sender."""
_SCM_MAX_FD = 253
_FD = struct.calcsize("i")
_TURN_MESSAGES, _TURN_BYTES, _TURN_SECONDS = 32, 256 << 10, 0.002
"""A turn ends with whichever is used up first: a small message may be slow to take apart."""
_WAITING = 64


class ViolationError(Exception):
    """What the peer did that ends the channel."""


class End:
    """`on_turn` is called when there is something to read; it calls `receive` until that returns None."""

    def __init__(self, end: socket.socket, on_turn: Callable[[], None]) -> None:
        self._socket = end
        self._fd = end.fileno()
        self._loop = asyncio.get_running_loop()
        self._on_turn = on_turn
        self._waiting: deque[bytes] = deque()
        self._messages = self._bytes = 0
        self._began = 0.0
        self._reading = False
        with contextlib.suppress(OSError):  # an older kernel has no such option; `receive` then closes and reports
            end.setsockopt(socket.SOL_SOCKET, SO_PASSRIGHTS, 0)
        self.read()

    def read(self) -> None:
        if not self._reading and self._fd >= 0:
            self._loop.add_reader(self._fd, self._turn)
            self._reading = True

    def rest(self) -> None:
        """Read no more until `read`; what the peer sends meanwhile waits in its own socket."""
        if self._reading:
            self._loop.remove_reader(self._fd)
            self._reading = False

    def _turn(self) -> None:
        self._messages = self._bytes = 0
        self._began = time.monotonic()
        self._on_turn()

    def receive(self) -> bytes | None:
        """The next message; None when this turn is over; b"" when the other end is closed."""
        if not self._reading or self._messages >= _TURN_MESSAGES or self._bytes >= _TURN_BYTES:
            return None
        if self._messages and time.monotonic() - self._began > _TURN_SECONDS:
            return None
        try:
            data, ancillary, flags = self._take()
        except (BlockingIOError, InterruptedError):
            return None
        except OSError:
            return b""
        self._messages += 1
        self._bytes += len(data)
        self._judge(_descriptors(ancillary), flags, size=len(data))
        return data

    def _take(self) -> tuple[bytes, list[tuple[int, int, bytes]], int]:
        """A peer that died without reading all we sent is a reset first; its own last messages come after that."""
        room, how = socket.CMSG_LEN(_SCM_MAX_FD * _FD), socket.MSG_DONTWAIT | socket.MSG_CMSG_CLOEXEC
        try:
            return self._socket.recvmsg(MAX_FRAME + 1, room, how)[:3]
        except ConnectionResetError:
            return self._socket.recvmsg(MAX_FRAME + 1, room, how)[:3]

    def _judge(self, descriptors: Sequence[int], flags: int, *, size: int) -> None:
        """There was room for all descriptors a message can carry, so that the kernel closes none on this thread."""
        if descriptors:
            close_elsewhere(descriptors)
            raise ViolationError(f"it sent {len(descriptors)} descriptors that nobody asked for")
        if flags & socket.MSG_CTRUNC:
            raise ViolationError("it sent more descriptors than can be received")
        if flags & socket.MSG_TRUNC or size > MAX_FRAME:
            raise ViolationError(f"it sent a message of more than {MAX_FRAME} bytes")

    def send(self, data: bytes) -> bool:
        """Now or later, in order; False when the peer reads so little that the queue is full, or is gone."""
        if self._fd < 0 or len(self._waiting) >= _WAITING:
            return False
        self._waiting.append(data)
        return len(self._waiting) > 1 or self._flush()

    def _flush(self) -> bool:
        while self._waiting:
            try:
                self._socket.send(self._waiting[0], socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)
            except (BlockingIOError, InterruptedError):
                self._loop.add_writer(self._fd, self._flush)
                return True
            except OSError:
                self._waiting.clear()
                self._loop.remove_writer(self._fd)
                return False
            self._waiting.popleft()
        self._loop.remove_writer(self._fd)
        return True

    def hand_over(self, data: bytes, *descriptors: int) -> bool:
        """Now or not at all: what waits here holds no descriptor. False where `send` would have it wait, too."""
        if self._fd < 0 or self._waiting:
            return False
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, struct.pack(f"{len(descriptors)}i", *descriptors))]
        try:  # not socket.send_fds: Python 3.11 forgets its flags
            return self._socket.sendmsg([data], rights, socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL) > 0
        except OSError:
            return False

    def close(self) -> None:
        """Closing twice is fine. Unread messages may hold descriptors, hence the other thread."""
        if self._fd < 0:
            return
        self.rest()
        self._loop.remove_writer(self._fd)
        self._waiting.clear()
        self._fd = -1
        close_elsewhere([self._socket.detach()])


def _descriptors(ancillary: Sequence[tuple[int, int, bytes]]) -> list[int]:
    found: list[int] = []
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            whole = len(data) // _FD
            found.extend(struct.unpack_from(f"{whole}i", data))
    return found
