"""What others say of our signatures: an independent reader of DSSE, and an independent ML-DSA."""

import json

import pytest
from dilithium_py.ml_dsa import ML_DSA_65
from securesystemslib.dsse import Envelope as OtherEnvelope
from securesystemslib.signer import SSlibKey

from exod.package import Package, parse
from exod.trust.keys import Identity
from tests.builders import key, signed_package


@pytest.fixture(scope="module")
def package() -> Package:
    found = parse(signed_package())
    assert isinstance(found, Package)
    return found


def ed25519(identity: Identity) -> SSlibKey:
    value = {"keytype": "ed25519", "scheme": "ed25519", "keyval": {"public": identity.ed25519.hex()}}
    return SSlibKey.from_dict(identity.key_id, value)


def test_securesystemslib_reads_the_envelope_and_computes_the_same_encoding(package: Package) -> None:
    other = OtherEnvelope.from_dict(json.loads(package.envelope.encode()))
    assert other.payload == package.envelope.payload
    assert other.pae() == package.envelope.pae()
    assert list(other.signatures) == [key().key_id]


def test_securesystemslib_verifies_the_first_half(package: Package) -> None:
    other = OtherEnvelope.from_dict(json.loads(package.envelope.encode()))
    signature = other.signatures[key().key_id]
    signature.signature = signature.signature[:128]
    assert other.verify([ed25519(key().identity)], 1)


def test_an_independent_implementation_verifies_the_second_half(package: Package) -> None:
    [signature] = package.envelope.signatures
    public, context = key().identity.mldsa, b"exod-package-v1" + bytes.fromhex(key().key_id)
    assert ML_DSA_65.verify(public, package.envelope.pae(), signature.sig[64:], ctx=context)
    assert not ML_DSA_65.verify(public, package.envelope.pae(), signature.sig[64:], ctx=b"")
