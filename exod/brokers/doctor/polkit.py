"""Whether polkit answers on a bus: four messages by hand, for this process has no need of a codec else.

Of the D-Bus specification: SASL EXTERNAL; little-endian calls whose bodies are strings; the type of the answer.
"""

import os
import socket
import struct
from pathlib import Path

_BUS = "org.freedesktop.DBus"
_NAME = "org.freedesktop.PolicyKit1"
_RETURN, _ERROR = 2, 3
_SECONDS = 5.0


def answers(address: str) -> str:
    """Why polkit does not answer at `address` (unix:path=…); "" when it does. It is started if it can be."""
    path = Path(address.removeprefix("unix:path="))
    with socket.socket(socket.AF_UNIX) as end:
        end.settimeout(_SECONDS)
        try:
            end.connect(str(path))
            _greet(end)
            _call(end, 1, "Hello")
            return _call(end, 2, "StartServiceByName", _NAME) and _call(end, 3, "GetNameOwner", _NAME)
        except TimeoutError:
            return "the bus did not answer in time"
        except OSError as error:
            return f"no bus answers at {path}: {error.strerror or error}"


def _greet(end: socket.socket) -> None:
    end.sendall(f"\0AUTH EXTERNAL {str(os.getuid()).encode().hex()}\r\nBEGIN\r\n".encode())
    said = b""
    while not said.endswith(b"\r\n"):
        part = end.recv(256)
        if not part:
            raise ConnectionResetError
        said += part
    if not said.startswith(b"OK "):
        raise PermissionError("the bus did not accept us")


def _call(end: socket.socket, serial: int, member: str, name: str = "") -> str:
    """What the answer's error says; "" for an answer."""
    end.sendall(message(serial, member, name))
    while True:
        kind, answered, text = _receive(end)
        if answered == serial and kind in (_RETURN, _ERROR):
            return f"polkit does not answer: {text}" if kind == _ERROR else ""


def message(serial: int, member: str, name: str) -> bytes:
    """To the bus itself, with nothing or a name; StartServiceByName wants a number behind it, and others do not."""
    words, signature = (_string(name), b"s") if name else (b"", b"")
    if member == "StartServiceByName":
        words, signature = words + bytes(-len(words) % 4 + 4), b"su"
    fields = [(1, "o", "/org/freedesktop/DBus"), (2, "s", _BUS), (3, "s", member), (6, "s", _BUS)]
    packed = b""
    for code, kind, value in fields:
        packed += bytes(-len(packed) % 8) + struct.pack("<BB2s", code, 1, kind.encode() + b"\0") + _string(value)
    if name:
        packed += bytes(-len(packed) % 8) + b"\x08\x01g\0" + bytes([len(signature)]) + signature + b"\0"
    head = struct.pack("<cBBBIII", b"l", 1, 0, 1, len(words), serial, len(packed)) + packed
    return head + bytes(-len(head) % 8) + words


def _string(text: str) -> bytes:
    return struct.pack("<I", len(text)) + text.encode() + b"\0"


def _receive(end: socket.socket) -> tuple[int, int, str]:
    """Type, serial that is answered, the body's first string."""
    head = _exactly(end, 16)
    size, length = struct.unpack_from("<I", head, 4)[0], struct.unpack_from("<I", head, 12)[0]
    fields = _exactly(end, length + -length % 8)
    body = _exactly(end, size)
    at = fields.find(b"\x05\x01u\0")
    answered = struct.unpack_from("<I", fields, at + 4)[0] if at >= 0 else 0
    return head[1], answered, body[4:-1].decode(errors="replace") if size > 4 else ""


def _exactly(end: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        part = end.recv(size - len(data))
        if not part:
            raise ConnectionResetError("the bus closed the connection")
        data += part
    return data
