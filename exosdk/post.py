"""The instance's end of the channel: frames in and out of one SEQPACKET socket, never blocking, bounded.

O_NONBLOCK and shutdown() belong to the description that the keeper shares, so every call says MSG_DONTWAIT instead.
While the supervisor is away the socket takes some hundred messages, then a bounded queue; then events are lost and
counted. An answer is never dropped: at most one call is open at a time.
"""

import _socket
import os
import select
import sys
from collections import deque

from exosdk import wire

_MSG_DONTWAIT = 0x40
_RECEIVE = _MSG_DONTWAIT | 0x40000000  # and MSG_CMSG_CLOEXEC
_DESCRIPTORS = _socket.CMSG_SPACE(2 * 4)
"""At most: the memory of a link's other end, and its doorbell."""
_EVENTS_KEPT = 256


class GoneError(Exception):
    """The other end is closed for good: exod and the keeper are both gone, so the instance has to go too."""


class Post:
    """One reader and writer. `lost` counts the events that found the queue full."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._socket = _socket.socket(_socket.AF_UNIX, _socket.SOCK_SEQPACKET, 0, fd)
        self._waiting: deque[bytes] = deque()
        self._poll = select.poll()
        self._descriptors: tuple[int, ...] = ()
        self.lost = 0

    def listen(self, descriptor: int) -> None:
        """`wait` ends as well when this one can be read."""
        self._poll.register(descriptor, select.POLLIN)

    def wait(self, seconds: float | None) -> bool:
        """Flush what can be sent; returns whether there is something to read, after at most `seconds`."""
        self._poll.register(self._socket, select.POLLIN | (select.POLLOUT if self._waiting else 0))
        ready = self._poll.poll(None if seconds is None else int(seconds * 1000) + (seconds > 0))
        events = next((found for descriptor, found in ready if descriptor == self._fd), 0)
        if events & select.POLLOUT:
            self._flush()
        return bool(events & (select.POLLIN | select.POLLHUP | select.POLLERR))

    def receive(self) -> wire.Down | None:
        """The next frame, or None when there was none after all. `wire.MalformedError` is passed on."""
        self._drop()
        try:
            data, passed, _, _ = self._socket.recvmsg(wire.MAX_FRAME + 1, _DESCRIPTORS, _RECEIVE)
        except BlockingIOError:
            return None
        except OSError:
            raise GoneError from None
        if not data:
            raise GoneError
        if passed:
            numbers = passed[0][2]
            self._descriptors = tuple(
                int.from_bytes(numbers[at : at + 4], sys.byteorder) for at in range(0, len(numbers) - 3, 4)
            )
        return wire.decode_down(data)

    def take(self) -> tuple[int, ...]:
        """The descriptors that came with the last frame, which are the caller's from here on."""
        descriptors, self._descriptors = self._descriptors, ()
        return descriptors

    def _drop(self) -> None:
        """Those that nobody took."""
        for descriptor in self.take():
            os.close(descriptor)

    def send(self, frame: wire.Up) -> None:
        """Now or later, in order. `wire.MalformedError` when the frame can never be sent."""
        data = wire.encode(frame)
        event = isinstance(frame, wire.Emit | wire.Changed)
        if event and len(self._waiting) >= _EVENTS_KEPT:
            self.lost += 1
            return
        self._waiting.append(data)
        self._flush()

    def close(self) -> None:
        """Closing twice is fine."""
        self._drop()
        self._socket.close()

    def _flush(self) -> None:
        while self._waiting:
            try:
                self._socket.send(self._waiting[0], _MSG_DONTWAIT)
            except BlockingIOError:
                return
            except OSError:
                raise GoneError from None
            self._waiting.popleft()
