"""THREATS 29: no value of a package has two readings."""

import json
from dataclasses import replace
from typing import Any

import pytest

from exoctl.building import payload_for
from exoctl.private import sign
from exod.errors import Refusal
from exod.package import parse, payload
from exod.package.envelope import DEV_PACKAGE, PACKAGE, REVOCATION, ROTATION, Envelope
from exod.package.package import MAGIC, join, split
from exod.package.payload import Payload
from exod.trust.state import TrustState
from exod.trust.verify import Trust, verify
from tests.builders import NOW, anchor_for, key, manifest_toml, signed_package, zipped


def packed(head: bytes) -> bytes:
    _, body = split(signed_package())
    return MAGIC + len(head).to_bytes(4, "little") + head + body


def code(data: bytes) -> str:
    found = parse(data)
    return found.code if isinstance(found, Refusal) else "accepted"


HEAD, BODY = split(signed_package())


@pytest.mark.parametrize(
    "head",
    [
        HEAD.replace(b'"payloadType":', b'"payloadType":"x","payloadType":', 1),
        HEAD.replace(b'"signatures":', b'"signatures":[],"signatures":', 1),
        HEAD.replace(b'"keyid":', b'"keyid":"x","keyid":', 1),
        HEAD[:-1] + b',"n":NaN}',
        HEAD[:-1] + b',"n":1.5}',
    ],
)
def test_duplicate_keys_and_numbers_of_two_kinds_are_refused(head: bytes) -> None:
    assert head != HEAD
    assert code(packed(head)) == "envelope-malformed"


def test_the_other_base64_alphabet_and_loose_padding_are_refused() -> None:
    table: dict[str, Any] = json.loads(HEAD)
    sig = table["signatures"][0]["sig"]
    assert set(sig) & set("+/")
    table["signatures"][0]["sig"] = sig.replace("+", "-").replace("/", "_")
    assert code(packed(json.dumps(table).encode())) == "envelope-malformed"
    for text in ("", "=", "==="):
        assert code(packed(json.dumps(json.loads(HEAD) | {"payload": "YQ" + text}).encode())) == "envelope-malformed"


def test_a_payload_spelled_otherwise_is_refused_though_it_is_signed() -> None:
    honest = payload_for(BODY, signer=key().key_id, issued=NOW)
    assert isinstance(honest, Payload)
    spaced = json.dumps(json.loads(honest.encode()), indent=1).encode()
    doubled = honest.encode().replace(b'{"api":1', b'{"api":1,"api":1')
    for bytes_signed in (spaced, doubled):
        assert code(join(sign(PACKAGE, bytes_signed, keys=(key(),)), BODY)) == "payload-malformed"


def test_the_bytes_verified_are_the_bytes_parsed() -> None:
    """A payload that says the same in other bytes carries another signature."""
    package = parse(signed_package())
    assert not isinstance(package, Refusal)
    assert payload.parse(package.envelope.payload) == package.payload
    other = replace(package.payload, sequence=package.payload.sequence + 1)
    forged = replace(package.envelope, payload=other.encode())
    found = parse(join(forged, package.zip))
    assert not isinstance(found, Refusal)
    verdict = verify(found, trust=Trust((anchor_for(),), TrustState()), now=NOW)
    assert isinstance(verdict, Refusal)
    assert verdict.code == "signature-invalid"


@pytest.mark.parametrize("kind", [REVOCATION, ROTATION, "application/json", ""])
def test_another_documents_signature_is_no_packages(kind: str) -> None:
    honest = payload_for(BODY, signer=key().key_id, issued=NOW)
    assert isinstance(honest, Payload)
    other = sign(kind, honest.encode(), keys=(key(),))
    assert code(join(other, BODY)) == "document-kind"
    renamed = parse(join(Envelope(PACKAGE, other.payload, other.signatures), BODY))
    assert not isinstance(renamed, Refusal)
    verdict = verify(renamed, trust=Trust((anchor_for(),), TrustState()), now=NOW)
    assert isinstance(verdict, Refusal)
    assert verdict.code == "signature-invalid"


def test_a_development_package_renamed_is_not_signed() -> None:
    package = parse(signed_package(development=True))
    assert not isinstance(package, Refusal)
    assert package.envelope.payload_type == DEV_PACKAGE
    renamed = replace(package, envelope=replace(package.envelope, payload_type=PACKAGE))
    verdict = verify(renamed, trust=Trust((anchor_for(),), TrustState()), now=NOW)
    assert isinstance(verdict, Refusal)
    assert verdict.code == "signature-invalid"


@pytest.mark.parametrize("key_named", ["name", "version", "type"])
def test_signed_and_packed_name_version_and_type_agree(key_named: str) -> None:
    honest = payload_for(BODY, signer=key().key_id, issued=NOW)
    assert isinstance(honest, Payload)
    other = {"name": "other", "version": "2.0", "type": "ai-model"}[key_named]
    lie = replace(honest, **{key_named: other})
    assert code(join(sign(PACKAGE, lie.encode(), keys=(key(),)), BODY)) == "package-disagrees"


def test_a_key_twice_in_the_manifest_is_refused() -> None:
    doubled = manifest_toml().replace(b"version =", b'version = "9"\nversion =')
    with pytest.raises(AssertionError, match="not TOML"):
        zipped(manifest=doubled)
