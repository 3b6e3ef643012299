"""Signed statements other than packages: bytes of an envelope → the table inside, and who signed it.

Refuses other kinds of document before it looks at keys, other spellings of the same value, and any signature that does
not verify; unlike a package, a statement has exactly one signer.
"""

from collections.abc import Iterable
from typing import Any

from exod.errors import Refusal
from exod.package import envelope, strictjson
from exod.package.fields import Table
from exod.package.malformed import MalformedError
from exod.trust.keys import Identity

MAX_BYTES = 48 << 10


def read(
    data: bytes, *, kind: str, table: Table, identities: Iterable[Identity], thing: str
) -> tuple[dict[str, Any], Identity] | Refusal:
    """`thing` names the statement in refusals; codes begin with it."""
    code = f"{thing}-malformed"
    try:
        signed = envelope.read(data, expected=(kind,))
        signer = _signer(signed, identities, thing=thing)
        row = table.read(strictjson.canonical(signed.payload, limit=MAX_BYTES), at="")
    except MalformedError as fault:
        return fault.refusal(thing, code=code)
    return row, signer


def _signer(signed: envelope.Envelope, identities: Iterable[Identity], *, thing: str) -> Identity:
    if len(signed.signatures) != 1:
        raise MalformedError("", "it has more than one signature")
    [signature] = signed.signatures
    for identity in identities:
        if identity.key_id == signature.key_id:
            if identity.verify(signed.pae(), sig=signature.sig):
                return identity
            raise MalformedError(f"{thing}-invalid", "its signature does not verify")
    raise MalformedError(f"{thing}-unknown", f"no anchor knows the key {signature.key_id[:12]} that signed it")
