"""A synchronous D-Bus client: one blocking Unix socket, calls with deadlines, descriptors out, signals in.

Turns an answer into its values and an error into a Refused with the fields that exod sent. Descriptors that others
send are never taken: a plain recv() leaves them to the kernel, which closes them.
"""

import os
import socket
import time
from array import array
from collections import deque
from collections.abc import Sequence
from typing import Any
from urllib.parse import unquote

from exoctl.codec import CODEC_ERRORS, HEADER, Message, MessageFlag, MessageType, decode, encode, frame_size
from exoctl.faults import from_error, internal, timed_out, unreachable
from exod.errors import Refused
from exod.names import BUS_NAME

DRIVER = "org.freedesktop.DBus"
DRIVER_PATH = "/org/freedesktop/DBus"
PROPERTIES = "org.freedesktop.DBus.Properties"
SYSTEM_BUS = "unix:path=/run/dbus/system_bus_socket"
IN_FLIGHT = 16
"""Calls that wait at once; exod refuses a sender's thirty-third."""
DEADLINE = 25.0
"""Seconds; what libdbus and GLib wait for an answer too."""


class Late(Refused):
    """No answer in time: a refusal to those who called, nothing to those who wait for signals."""

    def __init__(self, waiting_for: str) -> None:
        super().__init__(timed_out(waiting_for))


class Connection:
    """Connected, authenticated and named (`Hello`) from construction to `close`."""

    def __init__(self, address: str, *, interactive: bool = False, deadline: float = DEADLINE) -> None:
        self.address = address
        self._deadline = deadline
        self._flags = MessageFlag.ALLOW_INTERACTIVE_AUTHORIZATION if interactive else MessageFlag.NONE
        self._serial = 0
        self._buffer = bytearray()
        self._signals: deque[Any] = deque()
        self._socket = _dial(address, deadline=deadline)
        try:
            self._authenticate()
            self.call(DRIVER_PATH, DRIVER, "Hello", destination=DRIVER)
        except OSError as error:
            self.close()
            raise Refused(unreachable(address, str(error))) from error
        except Refused:
            self.close()
            raise

    def close(self) -> None:
        self._socket.close()

    def call(
        self,
        path: str,
        interface: str,
        member: str,
        signature: str = "",
        body: Sequence[Any] = (),
        *,
        fds: Sequence[int] = (),
        deadline: float | None = None,
        destination: str = BUS_NAME,
    ) -> list[Any]:
        """The values of the answer. Raises Refused for an error, a lost bus, or no answer in time."""
        until = time.monotonic() + (self._deadline if deadline is None else deadline)
        serial = self._send(path, interface, member, signature, body, fds=fds, destination=destination)
        while True:
            message = self._receive(until, waiting_for=f"{member} of {path}")
            if message.message_type is MessageType.SIGNAL:
                self._signals.append(message)
            elif message.reply_serial == serial:
                if message.message_type is MessageType.ERROR:
                    raise Refused(from_error(message.error_name, message.body, path=path, member=member))
                return list(message.body)

    def property_of_each(self, paths: Sequence[str], interface: str, name: str) -> dict[str, Any]:
        """path → value, asked of many objects at once; an object that is gone, or does not answer, is left out."""
        found: dict[str, Any] = {}
        for start in range(0, len(paths), IN_FLIGHT):
            until = time.monotonic() + self._deadline
            some = paths[start : start + IN_FLIGHT]
            sent = {
                self._send(path, PROPERTIES, "Get", "ss", [interface, name], destination=BUS_NAME): path
                for path in some
            }
            while sent:
                message = self._receive(until, waiting_for=f"{name} of {len(sent)} objects")
                path = sent.pop(message.reply_serial, None)
                if path is None:
                    self._signals.append(message)
                elif message.message_type is MessageType.METHOD_RETURN:
                    found[path] = message.body[0].value
        return found

    def subscribe(self, rule: str) -> None:
        """Asks for signals without waiting for the answer: the bus keeps the order of one connection's messages."""
        body = [rule]
        self._send(DRIVER_PATH, DRIVER, "AddMatch", "s", body, destination=DRIVER, flags=MessageFlag.NO_REPLY_EXPECTED)

    def signal(self, *, deadline: float) -> Any | None:
        """The next signal, or None when none came within `deadline` seconds."""
        until = time.monotonic() + deadline
        while not self._signals:
            try:
                message = self._receive(until, waiting_for="a signal")
            except Late:
                return None
            if message.message_type is MessageType.SIGNAL:
                self._signals.append(message)
        return self._signals.popleft()

    def properties(self, path: str, interface: str) -> dict[str, Any]:
        (values,) = self.call(path, PROPERTIES, "GetAll", "s", [interface])
        return {name: value.value for name, value in values.items()}

    def _send(
        self,
        path: str,
        interface: str,
        member: str,
        signature: str,
        body: Sequence[Any],
        *,
        destination: str,
        fds: Sequence[int] = (),
        flags: Any = None,
    ) -> int:
        self._serial += 1
        try:
            data = encode(
                Message(
                    destination=destination,
                    path=path,
                    interface=interface,
                    member=member,
                    signature=signature,
                    body=list(body),
                    unix_fds=list(fds),
                    flags=self._flags if flags is None else flags,
                    serial=self._serial,
                )
            )
        except CODEC_ERRORS as error:
            raise Refused(internal(f"{member}: {error}")) from error
        try:
            self._socket.settimeout(self._deadline)
            self._write(data, fds)
        except OSError as error:
            raise Refused(unreachable(self.address, str(error))) from error
        return self._serial

    def _write(self, data: bytes, fds: Sequence[int]) -> None:
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array("i", fds))] if fds else []
        sent = self._socket.sendmsg([data], rights)
        if sent < len(data):
            self._socket.sendall(data[sent:])

    def _receive(self, until: float, *, waiting_for: str) -> Any:
        header = self._peek(HEADER, until, waiting_for)
        size = frame_size(header)
        if size == 0:
            raise Refused(internal("the bus sent bytes that are no message"))
        frame = self._peek(size, until, waiting_for)
        del self._buffer[:size]
        try:
            return decode(frame)
        except ValueError as error:
            raise Refused(internal(str(error))) from error

    def _peek(self, size: int, until: float, waiting_for: str) -> bytes:
        while len(self._buffer) < size:
            left = until - time.monotonic()
            if left <= 0:
                raise Late(waiting_for)
            self._socket.settimeout(left)
            try:
                chunk = self._chunk()
            except TimeoutError as error:
                raise Late(waiting_for) from error
            except OSError as error:
                raise Refused(unreachable(self.address, str(error))) from error
            if not chunk:
                raise Refused(unreachable(self.address, "the bus closed the connection"))
            self._buffer += chunk
        return bytes(self._buffer[:size])

    def _chunk(self) -> bytes:
        return self._socket.recv(65536)

    def _authenticate(self) -> None:
        """SASL EXTERNAL, pipelined as sd-bus does; the bus reads our uid from the socket and compares."""
        uid = str(os.getuid()).encode().hex()
        self._socket.sendall(f"\0AUTH EXTERNAL {uid}\r\nNEGOTIATE_UNIX_FD\r\nBEGIN\r\n".encode())
        answer = b""
        while answer.count(b"\r\n") < 2 and b"REJECTED" not in answer:
            chunk = self._socket.recv(4096)
            if not chunk:
                break
            answer += chunk
        accepted, _, more = answer.partition(b"\r\nAGREE_UNIX_FD\r\n")
        if not (accepted.startswith(b"OK ") and b"\r\nAGREE_UNIX_FD\r\n" in answer):
            raise Refused(unreachable(self.address, "the bus did not accept us"))
        self._buffer += more


def _dial(address: str, *, deadline: float) -> socket.socket:
    """Connects to the first reachable of the `;`-separated addresses; knows unix:path and unix:abstract."""
    reason = "no unix:path= or unix:abstract= address in it"
    for entry in address.split(";"):
        target = _unix_target(entry)
        if target is None:
            continue
        end = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        end.settimeout(deadline)
        try:
            end.connect(target)
        except OSError as error:
            end.close()
            reason = os.strerror(error.errno) if error.errno else str(error)
        else:
            return end
    raise Refused(unreachable(address, reason))


def _unix_target(entry: str) -> str | None:
    transport, _, rest = entry.partition(":")
    keys = dict(pair.split("=", 1) for pair in rest.split(",") if "=" in pair)
    if transport != "unix":
        return None
    if "path" in keys:
        return unquote(keys["path"])
    return "\0" + unquote(keys["abstract"]) if "abstract" in keys else None
