"""THREATS 33: a verdict holds for one moment; every later one is made anew. And no version locks a name."""

from dataclasses import replace

import pytest

from exod.errors import Refusal
from exod.package import Package, parse
from exod.package.versions import is_version
from exod.trust import state
from exod.trust.revocation import Revocations
from exod.trust.state import TrustState
from exod.trust.verify import Leave, Trust, VerifiedPackage, verify
from tests.builders import NOW, anchor_for, key, manifest_toml, signed_package, zipped

OWNED = state.own(TrustState(), "hello", owner=key().key_id, mark="1.0.0", now=NOW)
TODAY = Trust((anchor_for(expires=NOW + 100),), OWNED)


@pytest.fixture
def package() -> Package:
    found = parse(signed_package())
    assert isinstance(found, Package)
    assert isinstance(verify(found, trust=TODAY, now=NOW), VerifiedPackage)
    return found


@pytest.mark.parametrize("downgrade", [False, True], ids=["restart", "rollback"])
@pytest.mark.parametrize(
    ("trust", "now", "code"),
    [
        (replace(TODAY, revocations=Revocations({key().key_id: ""})), NOW, "signer-revoked"),
        (TODAY, NOW + 100, "signer-expired"),
        (replace(TODAY, anchors=()), NOW, "signer-unknown"),
        (replace(TODAY, anchors=(anchor_for(scope=("other",)),)), NOW, "signer-out-of-scope"),
    ],
)
def test_what_was_accepted_is_refused_once_trust_ends(
    package: Package, trust: Trust, now: int, code: str, downgrade: bool
) -> None:
    found = verify(package, trust=trust, now=now, leave=Leave(downgrade=downgrade, consent=True))
    assert isinstance(found, Refusal)
    assert found.code == code


def test_a_packages_own_expiry_ends_it_too() -> None:
    package = parse(signed_package(expires=NOW + 10))
    assert isinstance(package, Package)
    assert isinstance(verify(package, trust=TODAY, now=NOW + 9), VerifiedPackage)
    found = verify(package, trust=TODAY, now=NOW + 10)
    assert isinstance(found, Refusal)
    assert found.code == "package-expired"


@pytest.mark.parametrize("version", ["99!0", "1.0+local", "01.0", "1.0-1", "v1.0", "1.0.ALPHA", "9999999999", "1.0\n"])
def test_a_version_that_would_lock_a_name_or_has_two_spellings_is_none(version: str) -> None:
    assert not is_version(version)
    with pytest.raises(AssertionError, match="package.toml"):
        zipped(manifest=manifest_toml(version=version.replace("\n", "\\n")))


def test_the_mark_of_one_owner_does_not_lock_out_another() -> None:
    high = state.own(TrustState(), "hello", owner=key("squatter").key_id, mark="999999999", now=NOW)
    package = parse(signed_package())
    assert isinstance(package, Package)
    found = verify(package, trust=Trust((anchor_for(),), high), now=NOW, leave=Leave(consent=True))
    assert isinstance(found, VerifiedPackage)
