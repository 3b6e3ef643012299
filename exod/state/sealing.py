"""Where the audit's key stands ↔ `sealing.key`, overwritten in its place, so that no block of the disk keeps an older
one; and `initial.key`, from which the administrator can check every record, until it is taken away.

A key file that is not whole is none: then a new succession of keys begins, and the log says so.
"""

import hashlib
import hmac
import os

from exod.state.chain import Head, Seal
from exod.state.directory import Directory

INITIAL = "initial.key"
"""Whoever takes it away (`exoctl audit export --key`) leaves nothing here that could forge what was written before."""
SEALING = "sealing.key"
_SIZE = 512
"""One sector: what a disk writes whole or not at all."""


def encode(seal: Seal) -> bytes:
    """Always as long, so that what was there before is covered."""
    text = f"exod-audit-1 {seal.head.seq} {seal.head.hash} {seal.key.hex()} {seal.id}".encode()
    return (text + b" " + _sum(text)).ljust(_SIZE - 1) + b"\n"


def decode(data: bytes | None) -> Seal | None:
    text, _, check = (data or b"").rstrip().rpartition(b" ")
    if check != _sum(text):
        return None
    _, seq, digest, key, id_ = text.decode().split()
    return Seal(Head(int(seq), digest), bytes.fromhex(key), id_)


def begin(directory: Directory, *, head: Head) -> Seal:
    """A new succession of keys behind `head`, durable before it seals anything; the first is the administrator's."""
    key = os.urandom(32)
    seal = Seal(head, key, hmac.digest(key, b"id", "sha256").hex()[:16])
    directory.replace(INITIAL, encode(seal))
    directory.replace(SEALING, encode(seal))
    return seal


def _sum(text: bytes) -> bytes:
    return hashlib.sha256(text).hexdigest().encode()
