"""What a signer signs about a package: Payload ↔ canonical JSON bytes.

Refuses other spellings of the same value, unknown or missing keys, and values out of range.
"""

from dataclasses import asdict, dataclass

from exod.errors import Refusal
from exod.names import PLUGIN_TYPES
from exod.package import strictjson
from exod.package.archive import MAX_BYTES as ZIP_MAX
from exod.package.fields import Choice, Digits, Field, Name, Table, VersionText, Whole
from exod.package.malformed import MalformedError

MAX_BYTES = 4096
TIME_MAX = 253_402_300_799
"""The last second of the year 9999: seconds since the epoch, UTC."""
COUNT_MAX = 2**53 - 1
"""The largest integer that every JSON reader reads alike (RFC 8259, section 6)."""

_TABLE = Table(
    Field("name", Name()),
    Field("version", VersionText()),
    Field("type", Choice(*PLUGIN_TYPES)),
    Field("size", Whole(1, ZIP_MAX)),
    Field("sha256", Digits()),
    Field("sequence", Whole(0, COUNT_MAX)),
    Field("issued", Whole(0, TIME_MAX)),
    Field("expires", Whole(0, TIME_MAX), default=None),
    Field("signer", Digits()),
    Field("api", Whole(1, 65535)),
)


@dataclass(frozen=True, slots=True)
class Payload:
    """`size` and `sha256` are the zip's; `issued`, `expires` in seconds since the epoch; `signer` is a key id;
    `sequence` counts the signer's releases; `api` is the least plugin API the package needs."""

    name: str
    version: str
    type: str
    size: int
    sha256: str
    sequence: int
    issued: int
    signer: str
    api: int
    expires: int | None = None

    def encode(self) -> bytes:
        return strictjson.dumps({key: value for key, value in asdict(self).items() if value is not None})


def parse(data: bytes) -> Payload | Refusal:
    try:
        return read(data)
    except MalformedError as fault:
        return fault.refusal("payload", code="payload-malformed")


def read(data: bytes) -> Payload:
    """`parse` for this room: raises MalformedError."""
    value = strictjson.canonical(data, limit=MAX_BYTES)
    payload = Payload(**_TABLE.read(value, at=""))
    if payload.expires is not None and payload.expires <= payload.issued:
        raise MalformedError("", "it expires before it was issued", key="expires")
    return payload
