"""Hybrid identities: both halves, bound to each other."""

import base64
import hashlib

import pytest
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat

from exoctl.private import PrivateIdentity, sign
from exod.errors import Refusal
from exod.package.envelope import PACKAGE, pae
from exod.trust.keys import Identity, warm
from tests.builders import key

MESSAGE = pae(PACKAGE, b"payload")


def test_the_key_id_is_the_digest_of_both_halves() -> None:
    one = key().identity
    assert len(one.ed25519) == 32
    assert len(one.mldsa) == 1952
    assert one.key_id == hashlib.sha256(b"EXOD-HYBRID-1" + one.ed25519 + one.mldsa).hexdigest()


def test_a_signature_verifies_only_whole_and_only_for_its_identity_and_message() -> None:
    vendor, other = key("vendor"), key("other")
    mine = vendor.sign_envelope(PACKAGE, b"payload")
    theirs = other.sign_envelope(PACKAGE, b"payload")
    assert mine.key_id == vendor.key_id
    assert vendor.identity.verify(MESSAGE, sig=mine.sig)
    assert not vendor.identity.verify(MESSAGE + b"x", sig=mine.sig)
    assert not other.identity.verify(MESSAGE, sig=mine.sig)
    assert not vendor.identity.verify(MESSAGE, sig=mine.sig[:64] + theirs.sig[64:])
    assert not vendor.identity.verify(MESSAGE, sig=theirs.sig[:64] + mine.sig[64:])
    assert not vendor.identity.verify(MESSAGE, sig=bytes(64) + mine.sig[64:])
    assert not vendor.identity.verify(MESSAGE, sig=mine.sig[:64] + bytes(3309))
    assert not vendor.identity.verify(MESSAGE, sig=mine.sig[:64])
    assert not vendor.identity.verify(MESSAGE, sig=b"")


def test_the_second_half_is_bound_to_the_pair() -> None:
    """An identity made of two others' halves has another id, so neither half's context fits."""
    vendor, other = key("vendor").identity, key("other").identity
    mixed = Identity(vendor.ed25519, other.mldsa)
    ed25519 = key("vendor").sign_envelope(PACKAGE, b"payload").sig[:64]
    mldsa = key("other").sign_envelope(PACKAGE, b"payload").sig[64:]
    assert mixed.key_id not in (vendor.key_id, other.key_id)
    assert not mixed.verify(MESSAGE, sig=ed25519 + mldsa)


def test_an_identity_is_one_line_of_text_with_one_spelling() -> None:
    text = key().identity.encode()
    assert Identity.decode(text) == key().identity
    assert "\n" not in text
    raw = text.removeprefix("exod-hybrid-1:")
    for wrong in (
        "",
        raw,
        text + "\n",
        " " + text,
        text[:-4],
        text.replace("exod-hybrid-1", "exod-hybrid-2"),
        text + "AAAA",
    ):
        found = Identity.decode(wrong)
        assert isinstance(found, Refusal)
        assert found.code == "identity-malformed"


def test_loose_padding_bits_make_no_second_spelling() -> None:
    text = key().identity.encode()
    assert text.endswith("=")
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    last = text.rstrip("=")[-1]
    loose = text.rstrip("=")[:-1] + alphabet[alphabet.index(last) ^ 1] + "=" * (len(text) - len(text.rstrip("=")))
    assert base64.b64decode(loose.removeprefix("exod-hybrid-1:")) == base64.b64decode(
        text.removeprefix("exod-hybrid-1:")
    )
    assert isinstance(Identity.decode(loose), Refusal)


def test_an_identity_of_other_sizes_is_our_own_bug() -> None:
    with pytest.raises(ValueError, match="internal error"):
        Identity(bytes(31), bytes(1952))


def test_two_generated_identities_differ() -> None:
    assert PrivateIdentity.generate().key_id != PrivateIdentity.generate().key_id


def test_private_keys_come_back_from_their_file_with_the_passphrase() -> None:
    data = key().to_pem(b"secret")
    found = PrivateIdentity.from_pem(data, passphrase=b"secret")
    assert isinstance(found, PrivateIdentity)
    assert found.identity == key().identity
    assert data.count(b"BEGIN ENCRYPTED PRIVATE KEY") == 2


def test_a_private_key_is_never_written_in_the_clear_nor_shown() -> None:
    with pytest.raises(ValueError, match="without a passphrase"):
        key().to_pem(b"")
    assert key()._ed25519.private_bytes_raw().hex() not in repr(key())


def block(half: object, *, lock: bool = True) -> bytes:
    secret = BestAvailableEncryption(b"secret") if lock else NoEncryption()
    data: bytes = half.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, secret)  # type: ignore[attr-defined]
    return data


def test_another_file_is_no_private_key() -> None:
    one = key()
    whole = one.to_pem(b"secret")
    cases = {
        "wrong passphrase": whole,
        "no key": b"hello",
        "trailing bytes": whole + b"\n",
        "one half": block(one._ed25519),
        "halves in the wrong order": block(one._mldsa) + block(one._ed25519),
        "one half twice": block(one._ed25519) * 2,
        "in the clear": block(one._ed25519, lock=False) + block(one._mldsa, lock=False),
        "too large": whole + b"A" * 20_000,
    }
    for why, data in cases.items():
        found = PrivateIdentity.from_pem(data, passphrase=b"wrong" if why == "wrong passphrase" else b"secret")
        assert isinstance(found, Refusal), why
        assert found.code == "key-unreadable"


def test_an_envelope_takes_one_signature_per_key() -> None:
    signed = sign(PACKAGE, b"payload", keys=(key("vendor"), key("other")))
    assert [one.key_id for one in signed.signatures] == [key("vendor").key_id, key("other").key_id]


def test_warming_imports_what_verification_needs() -> None:
    warm()
