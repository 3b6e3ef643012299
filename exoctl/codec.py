"""The D-Bus codec of dbus-next, without its message bus: frames ↔ bytes.

`dbus_next/__init__.py` imports asyncio, three message buses and, where it is installed, PyGObject: 40 ms of a command
line that has 70. The modules below it need none of that, so the package is entered without running its `__init__`,
and left as if it had never been: whoever imports dbus_next after us gets the whole of it.
"""

import io
import sys
from importlib import import_module
from importlib.util import find_spec, module_from_spec
from typing import Any


def _submodules(*names: str) -> list[Any]:
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
_, _message, _unmarshaller, _signature, _constants = _submodules(
    "errors", "message", "_private.unmarshaller", "signature", "constants"
)

Message: Any = _message.Message
MessageType: Any = _constants.MessageType
MessageFlag: Any = _constants.MessageFlag
SignatureTree: Any = _signature.SignatureTree
Variant: Any = _signature.Variant
CODEC_ERRORS: tuple[type[Exception], ...] = (ValueError, TypeError)
"""What the codec raises for names, paths and values that do not fit."""

HEADER = 16
MAX_FRAME = 128 << 20
"""The specification's limit on one message."""


def frame_size(header: bytes) -> int:
    """The whole length of the message that starts with these 16 bytes; 0 if they start none."""
    order = {0x6C: "little", 0x42: "big"}.get(header[0])
    if order is None:
        return 0
    body = int.from_bytes(header[4:8], order)  # type: ignore[arg-type]
    fields = int.from_bytes(header[12:16], order)  # type: ignore[arg-type]
    size = HEADER + (fields + 7) // 8 * 8 + body
    return size if size <= MAX_FRAME else 0


def decode(frame: bytes) -> Any:
    """One whole message → Message; ValueError for bytes that are none."""
    try:
        return _unmarshaller.Unmarshaller(io.BytesIO(frame)).unmarshall()
    except (ValueError, TypeError, EOFError, KeyError, IndexError, RecursionError) as error:
        raise ValueError(f"not a D-Bus message: {error}") from error


def encode(message: Any) -> bytes:
    """Message → bytes; the header field that counts descriptors is written when there are any."""
    return bytes(message._marshall(negotiate_unix_fd=True))
