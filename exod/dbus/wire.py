"""One connection to a bus: socket ↔ messages, with caps. Knows nothing of objects.

Refuses what no library refuses: messages over the cap are skipped before they are decoded, a full socket drops
signals and never replies, a turn of the loop reads a bounded amount, every outgoing call has a deadline, and every
descriptor that nobody took is closed off the loop.
"""

import array
import asyncio
import os
import socket
import struct
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final

from exod.closer import close_elsewhere
from exod.dbus.address import candidates
from exod.dbus.codec import CALL, ERROR, PREAMBLE, RETURN, SIGNAL, Header, Malformed, Outgoing

MESSAGE_MAX: Final = 320 << 10
"""Of an incoming message: 256 KiB of arguments (SECURITY.md) and room for the header."""
_HEADER_MAX: Final = 16 << 10
_SIGNALS_MAX: Final = 8 << 20
_PAUSE_READING: Final = 4 << 20
_OUT_MAX: Final = 64 << 20
_READ: Final = 64 << 10
_FRAMES_PER_TURN: Final = 64
_FDS_PER_READ: Final = 253
"""SCM_MAX_FD; the bus passes on 16 a message by default."""
CALL_DEADLINE: Final = 5.0
_CONNECT_DEADLINE: Final = 5.0
BUS = "org.freedesktop.DBus"
BUS_PATH = "/org/freedesktop/DBus"


class BusLost(ConnectionError):
    """The connection ended; the bus may be back soon."""


class CallFailed(Exception):
    """The peer answered with an error, or with what was not declared. `name` is the error's name on the bus."""

    def __init__(self, name: str, text: str) -> None:
        super().__init__(f"{name}: {text}")
        self.name = name


class Wire:
    """Made by `connect`. `on_message` gets calls and signals and owns their descriptors; `lost` resolves at the end."""

    def __init__(self, end: socket.socket, *, on_message: Callable[[Header], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._end = end
        self._on_message = on_message
        self._in = bytearray()
        self._in_fds: deque[tuple[int, array.array[int]]] = deque()
        self._received = 0
        self._consumed = 0
        self._skipping: tuple[Header | None, int] | None = None
        self._out: deque[memoryview] = deque()
        self._queued = 0
        self._serial = 0
        self._waiting: dict[int, asyncio.Future[Header]] = {}
        self._reading = False
        self._writing = False
        self._pumping: asyncio.Handle | None = None
        self.lost: asyncio.Future[str] = self._loop.create_future()
        self.unique_name = ""
        self.signals_dropped = 0
        self.skipped = 0
        self._read_more(on=True)

    # --- sending ---------------------------------------------------------------------------------------------------

    def send(self, message: Outgoing) -> int:
        """Queues; returns the serial, or 0 when the message was dropped: a signal past the cap, or nobody there."""
        if self.lost.done():
            return 0
        self._serial = self._serial % 0xFFFFFFFF + 1
        data = message.pack(self._serial)
        if message.type == SIGNAL and self._queued + len(data) > _SIGNALS_MAX:
            self.signals_dropped += 1
            return 0
        self._out.append(memoryview(data))
        self._queued += len(data)
        if self._queued > _OUT_MAX:
            self.close("the bus does not read")
        elif not self._writing:
            self._flush()
        return self._serial

    def _flush(self) -> None:
        try:
            while self._out:
                sent = self._end.send(self._out[0])
                self._queued -= sent
                if sent == len(self._out[0]):
                    self._out.popleft()
                else:
                    self._out[0] = self._out[0][sent:]
        except BlockingIOError:
            pass
        except OSError as error:
            self.close(error.strerror or "send")
            return
        self._watch_writable(on=bool(self._out))
        # Whoever stops reading answers is not asked for more questions.
        self._read_more(on=self._queued < _PAUSE_READING and self._pumping is None)

    def _watch_writable(self, *, on: bool) -> None:
        if on and not self._writing:
            self._loop.add_writer(self._end, self._flush)
        elif self._writing and not on:
            self._loop.remove_writer(self._end)
        self._writing = on

    async def call(self, message: Outgoing, *, returns: str, deadline: float = CALL_DEADLINE) -> list[Any]:
        """Raises CallFailed, BusLost or TimeoutError. The answer is decoded only if its signature is `returns`."""
        serial = self.send(message)
        if not serial:
            raise BusLost("not connected")
        answer = self._waiting[serial] = self._loop.create_future()
        try:
            async with asyncio.timeout(deadline):
                header = await answer
        finally:
            self._waiting.pop(serial, None)
        return _decode(header, returns)

    async def bus(self, member: str, signature: str = "", body: Sequence[Any] = (), *, returns: str) -> list[Any]:
        """A call to the bus itself."""
        message = Outgoing(CALL, BUS_PATH, BUS, member, destination=BUS, signature=signature, body=body)
        return await self.call(message, returns=returns)

    # --- receiving -------------------------------------------------------------------------------------------------

    def _read_more(self, *, on: bool) -> None:
        on = on and not self.lost.done()
        if on and not self._reading:
            self._loop.add_reader(self._end, self._readable)
        elif self._reading and not on:
            self._loop.remove_reader(self._end)
        self._reading = on

    def _readable(self) -> None:
        try:
            data, ancillary, _, _ = self._end.recvmsg(
                _READ, socket.CMSG_SPACE(_FDS_PER_READ * 4), socket.MSG_CMSG_CLOEXEC
            )
        except BlockingIOError:
            return
        except OSError as error:
            self.close(error.strerror or "receive")
            return
        self._received += len(data)
        for level, kind, raw in ancillary:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                self._in_fds.append((self._received, array.array("i", raw[: len(raw) // 4 * 4])))
        if not data:
            self.close("hung up")
        else:
            self._in += data
            self._pump()

    def _pump(self) -> None:
        """Delivers a bounded number of messages, then lets everything else on the loop have a turn."""
        self._pumping = None
        try:
            for _ in range(_FRAMES_PER_TURN):
                if self.lost.done() or not self._frame():
                    break
            else:
                self._pumping = self._loop.call_soon(self._pump)
        except Malformed as error:
            self.close(f"malformed {error}")
        self._read_more(on=self._pumping is None and self._queued < _PAUSE_READING)

    def _frame(self) -> bool:
        """Takes one message, or what came of one being skipped, off the buffer; False when more bytes are needed."""
        data = self._in
        if self._skipping:
            return self._skip(*self._skipping)
        if len(data) < PREAMBLE:
            return False
        if data[0] not in b"lB" or data[3] != 1:
            raise Malformed("message")
        body, _, fields = struct.unpack_from("<III" if data[0] == ord("l") else ">III", data, 4)
        start = PREAMBLE + (fields + 7 & ~7)
        size = start + body
        if size > MESSAGE_MAX:
            return self._begin_skip(start, size, fields)
        if len(data) < size:
            return False
        header = Header.parse(data, fields=fields, size=size)
        header.frame = bytes(memoryview(data)[:size])
        self._drop(size)
        self._deliver(header)
        return True

    def _drop(self, count: int) -> None:
        del self._in[:count]
        self._consumed += count

    def _begin_skip(self, start: int, size: int, fields: int) -> bool:
        header = None
        if start <= _HEADER_MAX:
            if len(self._in) < start:
                return False
            header = Header.parse(self._in, fields=fields, size=size)
        self.skipped += 1
        self._skipping = header, size
        return True

    def _skip(self, header: Header | None, left: int) -> bool:
        count = min(left, len(self._in))
        self._drop(count)
        if left > count:
            self._skipping = header, left - count
            return False
        self._skipping = None
        if header:
            self._deliver(header)
        else:
            close_elsewhere(self._take_descriptors())
        return True

    def _take_descriptors(self) -> list[int]:
        """Those of the message that ends at `_consumed`.

        A read stops after the buffer that carried descriptors, and the bus sends each message that has some by itself:
        where that read ended tells whose they are, even when the kernel had to drop descriptors of another message.
        """
        taken: list[int] = []
        while self._in_fds and self._in_fds[0][0] <= self._consumed:
            taken.extend(self._in_fds.popleft()[1])
        return taken

    def _deliver(self, header: Header) -> None:
        header.fds = self._take_descriptors()
        if header.type in (RETURN, ERROR):
            close_elsewhere(header.fds)
            waiting = self._waiting.pop(header.reply_to, None)
            # Only one whom we asked may answer, and the bus lets replies through only to calls that were made.
            if waiting and not waiting.done():
                waiting.set_result(header)
        elif header.type in (CALL, SIGNAL):
            self._on_message(header)
        else:
            close_elsewhere(header.fds)

    # --- the end ---------------------------------------------------------------------------------------------------

    def close(self, why: str = "closed") -> None:
        if self.lost.done():
            return
        self._read_more(on=False)
        self._watch_writable(on=False)
        self.lost.set_result(why)
        if self._pumping:
            self._pumping.cancel()
        self._end.close()
        self._consumed = self._received
        close_elsewhere(self._take_descriptors())
        self._out.clear()
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(BusLost(why))


def _decode(header: Header, returns: str) -> list[Any]:
    if header.type == ERROR:
        raise CallFailed(header.error, _error_text(header))
    if header.signature != returns:
        raise CallFailed("org.freedesktop.DBus.Error.InvalidSignature", f"({header.signature}) instead of ({returns})")
    try:
        return header.body()
    except Malformed as error:
        raise CallFailed("org.freedesktop.DBus.Error.InvalidArgs", str(error)) from error


def _error_text(header: Header) -> str:
    try:
        return str(header.body()[0]) if header.signature.startswith("s") else ""
    except Malformed:
        return ""


async def connect(address: str, *, on_message: Callable[[Header], None]) -> Wire:
    """Authenticates as this process's uid, agrees on descriptors, says Hello. Raises OSError or TimeoutError."""
    async with asyncio.timeout(_CONNECT_DEADLINE):
        end = await _open(address)
        try:
            await _authenticate(end)
            wire = Wire(end, on_message=on_message)
        except BaseException:
            end.close()
            raise
        try:
            [wire.unique_name] = await wire.bus("Hello", returns="s")
        except CallFailed as error:
            wire.close(str(error))
            raise BusLost(str(error)) from error
        except BaseException:
            wire.close("no Hello")
            raise
    return wire


async def _open(address: str) -> socket.socket:
    problem: OSError | None = None
    for target in candidates(address):
        end = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)
        try:
            await asyncio.get_running_loop().sock_connect(end, target)
        except OSError as error:
            end.close()
            problem = error
        except BaseException:
            end.close()
            raise
        else:
            return end
    raise problem or BusLost("no address")


async def _authenticate(end: socket.socket) -> None:
    """SASL EXTERNAL. A byte at a time: what follows the second line already belongs to the message stream."""
    loop = asyncio.get_running_loop()
    uid = str(os.geteuid()).encode().hex().encode()
    await loop.sock_sendall(end, b"\0AUTH EXTERNAL " + uid + b"\r\nNEGOTIATE_UNIX_FD\r\nBEGIN\r\n")
    text = b""
    while text.count(b"\r\n") < 2:
        byte = await loop.sock_recv(end, 1)
        if not byte or len(text) > 1024:
            raise BusLost("authentication was cut short")
        text += byte
    if not text.startswith(b"OK ") or b"\r\nAGREE_UNIX_FD\r\n" not in text:
        raise BusLost(f"authentication: {text[:80]!r}")
