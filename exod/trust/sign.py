"""A built zip + signing keys → the package file. Used where packages are made; the daemon never signs.

Refuses a zip that would not load: what `exod.package.build` asks is asked again before anything is signed.
"""

from exod.errors import Refusal
from exod.package import build
from exod.package.envelope import DEV_PACKAGE, MAX_SIGNATURES, PACKAGE
from exod.package.package import join
from exod.trust.keys import PrivateIdentity, sign


def sign_package(
    body: bytes,
    *keys: PrivateIdentity,
    issued: int,
    sequence: int = 0,
    expires: int | None = None,
    development: bool = False,
) -> bytes | Refusal:
    """The first key's identity is the signer, the owner-to-be; the others count towards a threshold."""
    if not 1 <= len(keys) <= MAX_SIGNATURES or len({key.key_id for key in keys}) != len(keys):
        return Refusal("signers-invalid", f"cannot sign package: expected 1 to {MAX_SIGNATURES} different keys")
    payload = build.payload_for(body, signer=keys[0].key_id, issued=issued, sequence=sequence, expires=expires)
    if isinstance(payload, Refusal):
        return payload
    return join(sign(DEV_PACKAGE if development else PACKAGE, payload.encode(), keys=keys), body)
