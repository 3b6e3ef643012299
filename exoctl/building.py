"""A mapping of files → the canonical zip and the payload that speaks for it; signing is `exoctl.private`.

Asks of the files all that `parse` asks, so that what builds also loads. Same files, same bytes.
"""

import hashlib

from exod.errors import Refusal
from exod.package import archive
from exod.package.archive import Tree
from exod.package.malformed import MalformedError
from exod.package.package import read_contents
from exod.package.payload import Payload


def build(files: Tree) -> bytes | Refusal:
    """`files`: path in the package → (bytes, executable)."""
    try:
        archive.check_paths(sorted(files))
    except MalformedError as fault:
        return fault.refusal("files", code="archive-malformed")
    body = archive.write(files)
    contents = read_contents(body)
    return contents if isinstance(contents, Refusal) else body


def payload_for(
    body: bytes, *, signer: str, issued: int, sequence: int = 0, expires: int | None = None
) -> Payload | Refusal:
    """What has to be signed for a built zip. `signer` is the key id of the owner-to-be; times in epoch seconds."""
    contents = read_contents(body)
    if isinstance(contents, Refusal):
        return contents
    _, declared = contents
    return Payload(
        declared.name,
        declared.version,
        declared.type,
        len(body),
        hashlib.sha256(body).hexdigest(),
        sequence,
        issued,
        signer,
        declared.api,
        expires,
    )
