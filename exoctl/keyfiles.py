"""Key files: the private one, encrypted, ours alone; the public one, a line of text that may go anywhere."""

from exoctl import files
from exoctl.faults import accepted
from exoctl.private import PrivateIdentity
from exod.trust.keys import Identity

_PRIVATE_MAX = 16 << 10
_PUBLIC_MAX = 8 << 10


def read(path: str, *, passphrase: bytes) -> PrivateIdentity:
    return accepted(
        PrivateIdentity.from_pem(files.read_secret(path, verb="use key", limit=_PRIVATE_MAX), passphrase=passphrase)
    )


def read_public(path: str) -> Identity:
    data = files.read(path, verb="read the public key", limit=_PUBLIC_MAX)
    return accepted(Identity.decode(data.decode("ascii", "replace").strip()))


def write(path: str, key: PrivateIdentity, *, passphrase: bytes) -> None:
    files.create(path, key.to_pem(passphrase), mode=0o600)


def public_text(identity: Identity) -> str:
    return identity.encode() + "\n"
