"""Private keys and what they make: a built zip → the package file, a statement → its envelope.

Stands here since the daemon never signs: it has no code that could. Refuses a zip that would not load: what
`exoctl.building` asks is asked again before anything is signed.
"""

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from exoctl import building
from exod.errors import Outcome, Refusal
from exod.package.envelope import DEV_PACKAGE, MAX_SIGNATURES, PACKAGE, Envelope, Signature, pae
from exod.package.package import join
from exod.trust.keys import Identity

if TYPE_CHECKING:  # cryptography takes 50 ms to import: most commands do without it
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PrivateKey

_PEM = re.compile(rb"-----BEGIN ENCRYPTED PRIVATE KEY-----\n[A-Za-z0-9+/=\n]+-----END ENCRYPTED PRIVATE KEY-----\n")
_PEM_MAX = 16 << 10


@dataclass(frozen=True, repr=False)
class PrivateIdentity:
    """Signs; both halves together, as `Identity` verifies them."""

    _ed25519: "Ed25519PrivateKey"
    _mldsa: "MLDSA65PrivateKey"

    @classmethod
    def generate(cls) -> "PrivateIdentity":
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PrivateKey

        return cls(Ed25519PrivateKey.generate(), MLDSA65PrivateKey.generate())

    @cached_property
    def identity(self) -> Identity:
        return Identity(self._ed25519.public_key().public_bytes_raw(), self._mldsa.public_key().public_bytes_raw())

    @property
    def key_id(self) -> str:
        return self.identity.key_id

    def sign_envelope(self, payload_type: str, payload: bytes) -> Signature:
        """Both halves sign the same pre-authentication encoding."""
        message = pae(payload_type, payload)
        sig = self._ed25519.sign(message) + self._mldsa.sign(message, self.identity.context)
        return Signature(self.key_id, sig)

    def to_pem(self, passphrase: bytes) -> bytes:
        """Two encrypted PKCS8 blocks, Ed25519 first. The file that takes them is 0600, made with O_EXCL|O_NOFOLLOW."""
        from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat

        if not passphrase:
            raise ValueError("internal error: a private key is never written without a passphrase")
        lock = BestAvailableEncryption(passphrase)
        halves = (self._ed25519, self._mldsa)
        return b"".join(half.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, lock) for half in halves)

    @classmethod
    def from_pem(cls, data: bytes, *, passphrase: bytes) -> "PrivateIdentity | Refusal":
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        blocks = _PEM.findall(data) if len(data) <= _PEM_MAX else []
        if len(blocks) != 2 or b"".join(blocks) != data:
            return _unreadable("it is not two encrypted PKCS8 blocks")
        try:
            ed25519, mldsa = (load_pem_private_key(block, passphrase) for block in blocks)
        except (ValueError, TypeError):
            return _unreadable("wrong passphrase or damaged file", "give the passphrase that the key was made with")
        if not isinstance(ed25519, Ed25519PrivateKey) or not isinstance(mldsa, MLDSA65PrivateKey):
            return _unreadable("it does not hold an Ed25519 and an ML-DSA-65 key, in this order")
        return cls(ed25519, mldsa)


def sign(payload_type: str, payload: bytes, *, keys: "tuple[PrivateIdentity, ...]") -> Envelope:
    """An envelope with one signature per identity."""
    return Envelope(payload_type, payload, tuple(key.sign_envelope(payload_type, payload) for key in keys))


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
    payload = building.payload_for(body, signer=keys[0].key_id, issued=issued, sequence=sequence, expires=expires)
    if isinstance(payload, Refusal):
        return payload
    return join(sign(DEV_PACKAGE if development else PACKAGE, payload.encode(), keys=keys), body)


def _unreadable(reason: str, hint: str = "make one with: exoctl key new FILE") -> Refusal:
    return Refusal("key-unreadable", f"cannot read private key: {reason}", hint, outcome=Outcome.FAILED)
