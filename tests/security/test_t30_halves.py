"""THREATS 30: the two halves of a pair are one signer, and only together."""

import pytest

from exoctl.private import PrivateIdentity
from exoctl.trustfiles import anchor_file
from exod.errors import Refusal
from exod.package import Package, parse
from exod.package.envelope import Envelope, Signature
from exod.package.package import join
from exod.trust import anchors
from exod.trust.keys import Identity
from exod.trust.state import TrustState
from exod.trust.verify import Trust, verify
from tests.builders import NOW, anchor_for, key, signed_package

ADA, BOB = key("vendor"), key("other")


def package(*signers: PrivateIdentity) -> Package:
    found = parse(signed_package(*signers))
    assert isinstance(found, Package)
    return found


def verdict(one: Package, *signatures: Signature, threshold: int = 1) -> str:
    again = parse(join(Envelope(one.envelope.payload_type, one.envelope.payload, signatures), one.zip))
    assert isinstance(again, Package)
    trust = Trust((anchor_for(ADA, BOB, threshold=threshold),), TrustState())
    found = verify(again, trust=trust, now=NOW)
    return found.code if isinstance(found, Refusal) else "accepted"


def test_halves_of_two_signers_make_no_signature() -> None:
    one = package(ADA, BOB)
    ada, bob = one.envelope.signatures
    assert verdict(one, Signature(ada.key_id, ada.sig[:64] + bob.sig[64:])) == "signature-invalid"
    assert verdict(one, Signature(ada.key_id, bob.sig[:64] + ada.sig[64:])) == "signature-invalid"
    assert verdict(one, Signature(bob.key_id, ada.sig)) == "signature-invalid"


def test_a_pair_mixed_from_two_signers_is_a_third_that_nobody_trusts() -> None:
    mixed = PrivateIdentity(ADA._ed25519, BOB._mldsa)
    found = verify(package(mixed), trust=Trust((anchor_for(ADA, BOB),), TrustState()), now=NOW)
    assert isinstance(found, Refusal)
    assert found.code == "signer-unknown"


def test_both_halves_are_not_two_signers() -> None:
    one = package(ADA)
    [ada] = one.envelope.signatures
    broken = Signature(BOB.key_id, ada.sig)
    assert verdict(one, ada, threshold=2) == "below-threshold"
    assert verdict(one, ada, broken, threshold=2) == "signature-invalid"


def test_a_second_half_made_for_another_context_does_not_count() -> None:
    """The same ML-DSA key in another pair: its signature is bound to that pair's id."""
    one = package(ADA)
    [ada] = one.envelope.signatures
    twin = PrivateIdentity(BOB._ed25519, ADA._mldsa)
    other = twin.sign_envelope(one.envelope.payload_type, one.envelope.payload)
    assert verdict(one, Signature(ada.key_id, ada.sig[:64] + other.sig[64:])) == "signature-invalid"


@pytest.mark.parametrize("threshold", [0, -1])
def test_a_threshold_below_one_is_no_anchor(threshold: int) -> None:
    data = anchor_file(anchor_for()).replace(b"threshold = 1", b"threshold = %d" % threshold)
    found = anchors.parse(data, name="lab")
    assert isinstance(found, Refusal)
    assert found.evidence["key"] == "threshold"


def test_one_public_key_under_two_ids_is_no_anchor() -> None:
    twin = Identity(ADA.identity.ed25519, BOB.identity.mldsa)
    anchor = anchor_for(ADA, threshold=1)
    both = type(anchor)("lab", "trusted", (ADA.identity, twin), anchor.scope, threshold=2)
    found = anchors.parse(anchor_file(both), name="lab")
    assert isinstance(found, Refusal)
    assert "share a key" in found.sentence
