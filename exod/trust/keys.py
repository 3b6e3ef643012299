"""Hybrid identities: Ed25519 and ML-DSA-65 as one signer, whose two halves sign together and are verified together.

A key id is SHA-256(`EXOD-HYBRID-1` || Ed25519 public || ML-DSA-65 public); the ML-DSA half signs with the context
`exod-package-v1` || raw key id, so that no half of one pair serves in another. Private keys are the command line's.
"""

import hashlib
import importlib
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from exod.errors import Refusal
from exod.package.envelope import ED25519_BYTES, decode64, encode64

if TYPE_CHECKING:  # cryptography takes 50 ms to import: the daemon does not wait for it before it is ready
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PublicKey

ED25519_PUBLIC = 32
MLDSA_PUBLIC = 1952
PREFIX = "exod-hybrid-1:"
_DOMAIN = b"EXOD-HYBRID-1"
_CONTEXT = b"exod-package-v1"


@dataclass(frozen=True)
class Identity:
    """A signer's public half: raw bytes of both keys. The key objects are made once, at the first verification."""

    ed25519: bytes
    mldsa: bytes

    def __post_init__(self) -> None:
        if len(self.ed25519) != ED25519_PUBLIC or len(self.mldsa) != MLDSA_PUBLIC:
            raise ValueError("internal error: an identity is one Ed25519 and one ML-DSA-65 public key")

    @cached_property
    def raw_id(self) -> bytes:
        return hashlib.sha256(_DOMAIN + self.ed25519 + self.mldsa).digest()

    @cached_property
    def key_id(self) -> str:
        return self.raw_id.hex()

    @cached_property
    def context(self) -> bytes:
        return _CONTEXT + self.raw_id

    @cached_property
    def _keys(self) -> "tuple[Ed25519PublicKey, MLDSA65PublicKey]":
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
        from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PublicKey

        return Ed25519PublicKey.from_public_bytes(self.ed25519), MLDSA65PublicKey.from_public_bytes(self.mldsa)

    def verify(self, message: bytes, *, sig: bytes) -> bool:
        """Whether both halves of `sig` are this identity's over `message`."""
        from cryptography.exceptions import InvalidSignature

        ed25519, mldsa = self._keys
        try:
            ed25519.verify(sig[:ED25519_BYTES], message)
            mldsa.verify(sig[ED25519_BYTES:], message, self.context)
        except InvalidSignature:
            return False
        return True

    def encode(self) -> str:
        return PREFIX + encode64(self.ed25519 + self.mldsa)

    @classmethod
    def decode(cls, text: str) -> "Identity | Refusal":
        """One line of text, the form of anchors and exports; only what re-encodes to itself."""
        raw = decode64(text.removeprefix(PREFIX)) or b""
        if not text.startswith(PREFIX) or len(raw) != ED25519_PUBLIC + MLDSA_PUBLIC:
            sentence = f"cannot read identity: it is not {PREFIX} and base64 of two public keys"
            return Refusal("identity-malformed", sentence)
        return cls(raw[:ED25519_PUBLIC], raw[ED25519_PUBLIC:])


def warm() -> None:
    """Imports what verification needs: called when the daemon is ready, so that no load pays for it."""
    for name in ("exceptions", "hazmat.primitives.asymmetric.ed25519", "hazmat.primitives.asymmetric.mldsa"):
        importlib.import_module(f"cryptography.{name}")
