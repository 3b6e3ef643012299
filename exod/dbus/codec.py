"""Messages of the bus as bytes: header by hand, body by dbus-next, which is a codec here and never a client.

`pack` turns a header and checked values into one message; `Header.parse` and `Header.body` turn bytes back, apart from
each other, so that a body costs time only once somebody wants it. Refuses bodies that do not decode completely.
"""

import struct
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec, module_from_spec
from typing import Any, Final


def _submodules(*names: str) -> list[Any]:
    """Modules of dbus_next without running its `__init__`, which would import asyncio's, GLib's and its own clients:
    30 ms of a start and 6 MB of a daemon that never uses them. Whoever imports dbus_next after us gets the whole.
    """
    shell = None
    if "dbus_next" not in sys.modules:
        spec = find_spec("dbus_next")
        if spec is None:
            raise ModuleNotFoundError("dbus_next is not installed")
        shell = sys.modules["dbus_next"] = module_from_spec(spec)
    try:
        return [import_module(f"dbus_next.{name}") for name in names]
    finally:
        if shell is not None and sys.modules.get("dbus_next") is shell:
            del sys.modules["dbus_next"]


# errors first: it and message import each other, and only this order gets through.
_, _marshaller, _unmarshaller, _signature = _submodules(
    "errors", "_private.marshaller", "_private.unmarshaller", "signature"
)

# Untyped; here the wire begins.
_Marshaller: Any = _marshaller.Marshaller
_Unmarshaller: Any = _unmarshaller.Unmarshaller
SignatureTree: Any = _signature.SignatureTree
SignatureType: Any = _signature.SignatureType
Variant: Any = _signature.Variant
__all__ = ["SignatureTree", "SignatureType", "Variant"]

CALL, RETURN, ERROR, SIGNAL = 1, 2, 3, 4
NO_REPLY, NO_AUTOSTART, INTERACTIVE = 1, 2, 4
PREAMBLE: Final = 16
_LITTLE: Final = ord("l")
_PATH, _INTERFACE, _MEMBER, _ERROR, _REPLY, _DESTINATION, _SENDER, _SIGNATURE, _FDS = range(1, 10)
_TREES_KEPT: Final = 1024


class Malformed(ValueError):
    """The bytes are no message, or the body is not what its signature says."""


def tree(signature: str) -> SignatureTree:
    """dbus-next keeps every signature it ever saw, and a variant carries one of the sender's choice: bounded here."""
    if len(SignatureTree._cache) > _TREES_KEPT:
        SignatureTree._cache.clear()
    found: SignatureTree = SignatureTree._get(signature)
    return found


@dataclass(slots=True)
class Header:
    """One message as it arrived. `frame` is None for a message that was too large and has been skipped."""

    type: int
    flags: int
    serial: int
    size: int
    little: bool
    body_at: int
    path: str = ""
    interface: str = ""
    member: str = ""
    error: str = ""
    reply_to: int = 0
    destination: str = ""
    sender: str = ""
    signature: str = ""
    fd_count: int = 0
    frame: bytes | None = None
    fds: list[int] = field(default_factory=list)

    @classmethod
    def parse(cls, data: bytes | bytearray, *, fields: int, size: int) -> "Header":
        """`data` holds at least the header, `fields` the length of its array. The bus has validated headers."""
        little = data[0] == _LITTLE
        u32 = struct.Struct("<I" if little else ">I").unpack_from
        end = PREAMBLE + fields
        header = cls(data[1], data[2], u32(data, 8)[0], size, little, end + 7 & ~7)
        at = PREAMBLE
        try:
            while at < end:
                at = _read_field(header, data, at + 7 & ~7, u32)
        except (IndexError, struct.error, UnicodeDecodeError) as error:
            raise Malformed("header") from error
        return header

    def body(self) -> list[Any]:
        """The arguments, variants as `Variant`. Raises Malformed."""
        if self.frame is None:
            raise Malformed("skipped")
        reader: Any = _Unmarshaller(None)
        reader.buf = bytearray(memoryview(self.frame)[self.body_at :])
        reader.endian = ord("l") if self.little else ord("B")
        try:
            values = [reader.read_argument(kind) for kind in tree(self.signature).types]
        except Exception as error:
            # Short, nested or mistyped bytes raise nearly anything in there; a bus may pass bodies on unchecked.
            raise Malformed("body") from error
        if reader.offset != len(reader.buf):
            raise Malformed("trailing bytes")
        return values


def _read_field(header: Header, data: bytes | bytearray, at: int, u32: Any) -> int:
    """One (yv) of the header's array at `at`; returns where it ends. Unknown fields are skipped, as the spec says."""
    code, kind = data[at], data[at + 2]
    at += 4
    if kind == ord("u"):
        at = at + 3 & ~3
        number = u32(data, at)[0]
        if code == _REPLY:
            header.reply_to = number
        elif code == _FDS:
            header.fd_count = number
        return at + 4
    if kind == ord("g"):
        length, start = data[at], at + 1
    elif kind in b"so":
        at = at + 3 & ~3
        length, start = u32(data, at)[0], at + 4
    else:
        raise Malformed("header field")
    if start + length >= len(data):
        raise Malformed("header field")
    name = _TEXT_FIELDS.get(code)
    if name:
        setattr(header, name, data[start : start + length].decode())
    return start + int(length) + 1


_TEXT_FIELDS: Final = {
    _PATH: "path",
    _INTERFACE: "interface",
    _MEMBER: "member",
    _ERROR: "error",
    _DESTINATION: "destination",
    _SENDER: "sender",
    _SIGNATURE: "signature",
}


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message to be sent. The values of `body` have passed the guard or are the daemon's own."""

    type: int
    path: str = ""
    interface: str = ""
    member: str = ""
    error: str = ""
    reply_to: int = 0
    destination: str = ""
    signature: str = ""
    body: Sequence[Any] = ()
    flags: int = 0

    def pack(self, serial: int) -> bytes:
        """Raises whatever dbus-next raises when a value does not fit the signature."""
        body = _Marshaller(self.signature, list(self.body)).marshall() if self.signature else b""
        fields = bytearray()
        _put_text(fields, _PATH, b"o", self.path)
        _put_text(fields, _INTERFACE, b"s", self.interface)
        _put_text(fields, _MEMBER, b"s", self.member)
        _put_text(fields, _ERROR, b"s", self.error)
        _put_text(fields, _DESTINATION, b"s", self.destination)
        if self.reply_to:
            fields += bytes(-len(fields) & 7) + struct.pack("<B3sI", _REPLY, b"\1u\0", self.reply_to)
        if self.signature:
            text = self.signature.encode()
            fields += bytes(-len(fields) & 7) + bytes((_SIGNATURE, 1)) + b"g\0" + bytes((len(text),)) + text + b"\0"
        start = struct.pack("<BBBBIII", _LITTLE, self.type, self.flags, 1, len(body), serial, len(fields))
        return b"".join((start, fields, bytes(-len(fields) & 7), body))


def _put_text(fields: bytearray, code: int, kind: bytes, text: str) -> None:
    if text:
        data = text.encode()
        fields += bytes(-len(fields) & 7) + struct.pack("<BB2sI", code, 1, kind + b"\0", len(data)) + data + b"\0"
