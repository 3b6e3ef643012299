"""The DSSE envelope (in-toto's specification): bytes → Envelope, and back. The payload stays bytes here.

Refuses before it decodes: over-size, a payloadType other than the expected ones, unknown or double fields, base64 in
another alphabet or with loose padding bits, no signature, more than 8, one key id twice, one half of a pair.
"""

import base64
import json
import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from exod.errors import Refusal
from exod.package import strictjson
from exod.package.malformed import MalformedError, shown

PACKAGE = "application/vnd.exod.package.v1+json"
DEV_PACKAGE = "application/vnd.exod.dev-package.v1+json"
REVOCATION = "application/vnd.exod.revocation.v1+json"
ROTATION = "application/vnd.exod.rotation.v1+json"

MAX_BYTES = 64 << 10
MAX_SIGNATURES = 8
ED25519_BYTES = 64
MLDSA_BYTES = 3309
"""FIPS 204, table 2: a signature of ML-DSA-65."""
SIGNATURE_BYTES = ED25519_BYTES + MLDSA_BYTES
_KEY_ID = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Signature:
    """`key_id` is a hint which key to try; `sig` is the Ed25519 half, then the ML-DSA-65 half."""

    key_id: str
    sig: bytes


@dataclass(frozen=True, slots=True)
class Envelope:
    payload_type: str
    payload: bytes
    signatures: tuple[Signature, ...]

    def pae(self) -> bytes:
        return pae(self.payload_type, self.payload)

    def encode(self) -> bytes:
        signatures = [{"keyid": one.key_id, "sig": encode64(one.sig)} for one in self.signatures]
        table = {"payload": encode64(self.payload), "payloadType": self.payload_type, "signatures": signatures}
        return json.dumps(table, separators=(",", ":")).encode("ascii")


def pae(payload_type: str, payload: bytes) -> bytes:
    """What is signed: DSSE's pre-authentication encoding, which no payload of another type can equal."""
    kind = payload_type.encode("utf-8")
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def is_key_id(text: object) -> bool:
    return isinstance(text, str) and _KEY_ID.fullmatch(text) is not None


def parse(data: bytes, *, expected: Collection[str]) -> Envelope | Refusal:
    try:
        return read(data, expected=expected)
    except MalformedError as fault:
        return fault.refusal("envelope", code="envelope-malformed")


def read(data: bytes, *, expected: Collection[str]) -> Envelope:
    """`parse` for this room: raises MalformedError."""
    table = _table(strictjson.loads(data, limit=MAX_BYTES), ("payload", "payloadType", "signatures"))
    kind = table["payloadType"]
    if not isinstance(kind, str) or kind not in expected:
        raise MalformedError("document-kind", f"it is another kind of document, {shown(kind)}", key="payloadType")
    entries = table["signatures"]
    if not isinstance(entries, list):
        raise MalformedError("", "it is not a list", key="signatures")
    if not entries:
        raise MalformedError("signature-missing", "it carries no signature")
    if len(entries) > MAX_SIGNATURES:
        raise MalformedError("", f"{len(entries)} signatures, at most {MAX_SIGNATURES} are read", key="signatures")
    signatures = tuple(_signature(entry) for entry in entries)
    if len({one.key_id for one in signatures}) != len(signatures):
        raise MalformedError("signature-repeated", "one key has signed twice", key="signatures")
    return Envelope(kind, _bytes(table["payload"], key="payload"), signatures)


def _signature(entry: object) -> Signature:
    table = _table(entry, ("keyid", "sig"))
    if not is_key_id(table["keyid"]):
        raise MalformedError("", "it is not a key id (64 lower-case hexadecimal digits)", key="keyid")
    sig = _bytes(table["sig"], key="sig")
    if len(sig) != SIGNATURE_BYTES:
        reason = f"{len(sig)} bytes, both halves of a signature have {SIGNATURE_BYTES}"
        raise MalformedError("signature-incomplete", reason, key="sig")
    return Signature(table["keyid"], sig)


def _table(value: object, keys: tuple[str, ...]) -> dict[str, Any]:
    if not isinstance(value, dict) or set(value) != set(keys):
        raise MalformedError("", f"expected a table of exactly {', '.join(keys)}")
    return value


def encode64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def decode64(text: str) -> bytes | None:
    """DSSE allows two alphabets; one text must have one reading, so only what re-encodes to itself passes."""
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError:
        return None
    return data if encode64(data) == text else None


def _bytes(text: object, *, key: str) -> bytes:
    data = decode64(text) if isinstance(text, str) else None
    if data is None:
        raise MalformedError("", "it is not base64 in its one spelling", key=key)
    return data
