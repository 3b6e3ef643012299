"""Packages, keys and anchors for tests of every room: real signatures by keys that are the same in every run.

Ed25519 and ML-DSA-65 keys come from seeds, so key ids are stable; ML-DSA signing stays randomised, as in production.
"""

import functools
import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PrivateKey

from exoctl.building import build
from exoctl.private import PrivateIdentity, sign_package
from exoctl.trustfiles import everything
from exod.errors import Refusal
from exod.package import strictjson
from exod.trust.anchors import Anchor
from exod.trust.rotation import Rotation
from exod.trust.scope import Scope

NOW = 1_800_000_000
"""A moment of January 2027: the clock of tests that need one."""
CODE = b"class Hello:\n    pass\n"


@dataclass(frozen=True, slots=True)
class RevocationList:
    """What its signer states. keys: key id → reason; packages: SHA-256 of zips; times in seconds since the epoch."""

    sequence: int
    issued: int
    expires: int
    keys: Mapping[str, str] = field(default_factory=dict)
    packages: tuple[str, ...] = ()

    def encode(self) -> bytes:
        return strictjson.dumps(asdict(self))


def stated(rotation: Rotation) -> bytes:
    """What the old owner signs."""
    return strictjson.dumps(asdict(rotation))


@functools.cache
def key(name: str = "vendor") -> PrivateIdentity:
    """One signer per name, the same in every run."""
    ed25519, mldsa = (hashlib.sha256(f"{half} {name}".encode()).digest() for half in ("ed25519", "mldsa"))
    return PrivateIdentity(Ed25519PrivateKey.from_private_bytes(ed25519), MLDSA65PrivateKey.from_seed_bytes(mldsa))


def manifest_toml(
    *, name: str = "hello", version: str = "1.0.0", type: str = "custom", entry: str = "hello:Hello", more: str = ""
) -> bytes:
    """A small valid `package.toml`; `more` is appended (its tables come after `[entry]`)."""
    head = (
        f'[package]\nname = "{name}"\nversion = "{version}"\nsummary = "A plugin for tests"\nlicense = "Apache-2.0"\n'
    )
    return f'{head}type = "{type}"\n[entry]\npython = "{entry}"\n{more}'.encode()


def files(
    *, manifest: bytes | None = None, extra: Mapping[str, bytes] | None = None, **wanted: str
) -> dict[str, tuple[bytes, bool]]:
    """What goes into a package: the manifest, `code/hello.py`, and `extra` path → bytes."""
    contents = {"package.toml": manifest if manifest is not None else manifest_toml(**wanted), "code/hello.py": CODE}
    return {path: (data, False) for path, data in {**contents, **(extra or {})}.items()}


def zipped(**wanted: Any) -> bytes:
    body = build(files(**wanted))
    assert not isinstance(body, Refusal), body.sentence
    return body


def signed_package(
    *signers: PrivateIdentity,
    issued: int = NOW - 86_400,
    sequence: int = 0,
    expires: int | None = None,
    development: bool = False,
    body: bytes | None = None,
    **wanted: Any,
) -> bytes:
    """The bytes of a package file, signed by `signers` (the vendor if none); `wanted` goes to `files`."""
    contents = body if body is not None else zipped(**wanted)
    times: dict[str, Any] = {"issued": issued, "sequence": sequence, "expires": expires}
    data = sign_package(contents, *(signers or (key(),)), development=development, **times)
    assert not isinstance(data, Refusal), data.sentence
    return data


def anchor_for(
    *signers: PrivateIdentity,
    name: str = "vendor",
    level: str = "vendor",
    scope: tuple[str, ...] = ("hello",),
    types: tuple[str, ...] = (),
    ceiling: Mapping[str, tuple[str, ...]] | None = None,
    interfaces: tuple[str, ...] = ("org.example.", "org.exoos."),
    expires: int | None = None,
    threshold: int = 1,
) -> Anchor:
    """Trust in `signers` (the vendor if none); every permission is below the ceiling unless one is given."""
    identities = tuple(one.identity for one in signers or (key(),))
    allowed = Scope(scope, types, everything() if ceiling is None else ceiling, interfaces)
    return Anchor(name, level, identities, allowed, expires, threshold)
