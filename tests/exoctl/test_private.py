"""Signing a built zip."""

from exoctl.private import PrivateIdentity, sign_package
from exod.errors import Refusal
from exod.package import Package, parse
from tests.builders import NOW, key, zipped


def test_the_first_key_is_the_owner_and_all_sign() -> None:
    data = sign_package(zipped(), key("a"), key("b"), issued=NOW, sequence=3, expires=NOW + 1)
    assert isinstance(data, bytes)
    package = parse(data)
    assert isinstance(package, Package)
    assert package.payload.signer == key("a").key_id
    assert {one.key_id for one in package.envelope.signatures} == {key("a").key_id, key("b").key_id}


def test_no_key_the_same_key_twice_or_too_many_sign_nothing() -> None:
    many: list[PrivateIdentity] = [key(str(number)) for number in range(9)]
    for keys in ([], [key(), key()], many):
        found = sign_package(zipped(), *keys, issued=NOW)
        assert isinstance(found, Refusal)
        assert found.code == "signers-invalid"


def test_what_would_not_load_is_not_signed() -> None:
    found = sign_package(b"not a zip", key(), issued=NOW)
    assert isinstance(found, Refusal)
