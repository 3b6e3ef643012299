"""Bytes of a package file → Package, or a Refusal. The file: `EXOPKG1\\n`, u32 LE, envelope, zip.

Each part is read by its own module; here they are made to agree: digest, size, name, version, type, API, entry.
A Package is well formed and nothing more: nobody has been asked yet who signed it.
"""

import hashlib
import struct
from dataclasses import dataclass, replace

from exod.errors import Refusal
from exod.names import API_LEVEL
from exod.package import archive, envelope, manifest, payload
from exod.package.archive import Archive, Tree
from exod.package.envelope import Envelope
from exod.package.malformed import MalformedError
from exod.package.manifest import Manifest
from exod.package.payload import Payload

MAGIC = b"EXOPKG1\n"
_LENGTH = struct.Struct("<I")
MAX_BYTES = len(MAGIC) + _LENGTH.size + envelope.MAX_BYTES + archive.MAX_BYTES
SUFFIX = ".exopkg"
_LARGE = 1 << 20
_KINDS = (envelope.PACKAGE, envelope.DEV_PACKAGE)


@dataclass(frozen=True, slots=True)
class Package:
    """`digest` is the zip's SHA-256 in hexadecimal."""

    envelope: Envelope
    payload: Payload
    manifest: Manifest
    archive: Archive
    digest: str

    @property
    def zip(self) -> bytes:
        return self.archive.zip

    @property
    def name(self) -> str:
        return self.payload.name

    @property
    def version(self) -> str:
        return self.payload.version

    @property
    def development(self) -> bool:
        return self.envelope.payload_type == envelope.DEV_PACKAGE

    @property
    def file_name(self) -> str:
        return f"{self.name}_{self.version}{SUFFIX}"


def _digest(data: bytes) -> str:
    """The daemon does without hashlib's OpenSSL; CPython's own SHA-256 is slower, which tells in large ones only."""
    if len(data) < _LARGE:
        return hashlib.sha256(data).hexdigest()
    from cryptography.hazmat.primitives.hashes import SHA256, Hash

    digest = Hash(SHA256())
    digest.update(data)
    return digest.finalize().hex()


def parse(data: bytes) -> Package | Refusal:
    try:
        head, body = split(data)
        digest = _digest(body)
    except MalformedError as fault:
        return fault.refusal("package", code="package-malformed")
    signed = envelope.parse(head, expected=_KINDS)
    if isinstance(signed, Refusal):
        unsigned = signed.code == "signature-missing"
        return replace(signed, hint="exoctl package sign FILE --key KEY") if unsigned else signed
    claims = payload.parse(signed.payload)
    if isinstance(claims, Refusal):
        return claims
    thing = f"{claims.name} {claims.version}"
    if claims.size != len(body) or claims.sha256 != digest:
        sentence = f"cannot read {thing}: its contents are not those that were signed"
        return Refusal("package-altered", sentence, evidence={"signed": claims.sha256, "found": digest})
    contents = read_contents(body)
    if isinstance(contents, Refusal):
        return contents
    files, declared = contents
    if differs := _disagreement(claims, declared):
        return differs.refusal(thing, code="package-malformed")
    return Package(signed, claims, declared, files, digest)


def split(data: bytes) -> tuple[bytes, bytes]:
    """The envelope's bytes and the zip's; raises MalformedError. Caps come before anything is copied or parsed."""
    start = len(MAGIC) + _LENGTH.size
    if len(data) > MAX_BYTES:
        raise MalformedError("package-too-large", f"it has {len(data)} bytes, at most {MAX_BYTES} are read")
    if not data.startswith(MAGIC) or len(data) < start:
        raise MalformedError("", "it is not a package file of exod")
    (length,) = _LENGTH.unpack_from(data, len(MAGIC))
    if length > envelope.MAX_BYTES or length > len(data) - start:
        raise MalformedError("", f"its envelope claims {length} bytes")
    return data[start : start + length], data[start + length :]


def join(signed: Envelope, body: bytes) -> bytes:
    """The file of an envelope and the zip it speaks for."""
    head = signed.encode()
    return b"".join((MAGIC, _LENGTH.pack(len(head)), head, body))


def read_contents(body: bytes) -> tuple[Archive, Manifest] | Refusal:
    """What `parse` asks of a zip by itself; `build` asks the same, so that nothing is signed that would not load."""
    files = archive.parse(body)
    if isinstance(files, Refusal):
        return files
    if "package.toml" not in files.files:
        return Refusal("manifest-missing", "cannot read archive: it has no package.toml")
    declared = manifest.parse(files.files["package.toml"][0])
    if isinstance(declared, Refusal):
        return declared
    if not declared.permissions.native and (path := archive.machine_code(files.files)):
        sentence = f"cannot read {declared.name} {declared.version}: {path} is machine code"
        hint = "leave it out, or ask for it: native = true in [sandbox]; few signers may have it"
        return Refusal("machine-code", sentence, hint, {"path": path})
    if not _has_entry(files.files, declared):
        target = declared.entry.target
        sentence = f"cannot read {declared.name} {declared.version}: entry {target} is not in the archive"
        return Refusal("entry-missing", sentence, evidence={"entry": target})
    return files, declared


def _disagreement(claims: Payload, declared: Manifest) -> MalformedError | None:
    """What was signed beside what is inside: an attacker who finds two values picks who reads which."""
    for key in ("name", "version", "type", "api"):
        if getattr(claims, key) != getattr(declared, key):
            return MalformedError("package-disagrees", "signed and packed values differ", key=key)
    if claims.api > API_LEVEL:
        return MalformedError("api-too-new", f"it needs plugin API {claims.api}, this exod has {API_LEVEL}")
    return None


def _has_entry(files: Tree, declared: Manifest) -> bool:
    if declared.entry.kind != "python":
        return declared.entry.target in files
    module = "code/" + declared.entry.target.partition(":")[0].replace(".", "/")
    return f"{module}.py" in files or f"{module}/__init__.py" in files
