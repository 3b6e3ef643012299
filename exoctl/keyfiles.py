"""Key files: the private one, encrypted, ours alone; the public one, a line of text that may go anywhere."""

from exoctl import files
from exoctl.faults import accepted, usage
from exoctl.private import PrivateIdentity
from exod.errors import Refused
from exod.trust.keys import Identity

_PRIVATE_MAX = 16 << 10
_PUBLIC_MAX = 8 << 10
_PUBLIC = b"exod-hybrid-1:"


def read(path: str, *, passphrase: bytes) -> PrivateIdentity:
    require_private(path)
    return accepted(
        PrivateIdentity.from_pem(files.read_secret(path, verb="use key", limit=_PRIVATE_MAX), passphrase=passphrase)
    )


def require_private(path: str) -> None:
    """A public key is named as such, before anybody is asked for a passphrase or told to hide it. Raises Refused."""
    if files.read(path, verb="use key", limit=_PRIVATE_MAX).startswith(_PUBLIC):
        hint = "the private one has the same name, most often with .key"
        raise Refused(usage(f"cannot use key {path}: it is a public key, which only verifies", hint))


def read_public(path: str) -> Identity:
    data = files.read(path, verb="read the public key", limit=_PUBLIC_MAX)
    return accepted(Identity.decode(data.decode("ascii", "replace").strip()))


def write(path: str, key: PrivateIdentity, *, passphrase: bytes) -> None:
    files.create(path, key.to_pem(passphrase), mode=0o600)


def public_text(identity: Identity) -> str:
    return identity.encode() + "\n"
