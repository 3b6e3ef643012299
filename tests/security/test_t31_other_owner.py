"""THREATS 31: a name taken over by another trusted signer, and upgrades that quietly ask for more."""

from typing import Any

import pytest

from exod.errors import Refusal
from exod.package import Package, parse
from exod.trust import state
from exod.trust.state import TrustState
from exod.trust.verify import Leave, Ownership, Trust, VerifiedPackage, verify
from tests.builders import NOW, anchor_for, key, signed_package

ADA, BOB = key("vendor"), key("other")
OWNED = state.own(TrustState(), "hello", owner=ADA.key_id, mark="1.0.0", now=NOW)
TRUST = Trust((anchor_for(ADA), anchor_for(BOB, name="bob", level="trusted")), OWNED)


def package(*signers: Any, **wanted: Any) -> Package:
    found = parse(signed_package(*signers, **wanted))
    assert isinstance(found, Package)
    return found


INSTALLED = package(ADA).manifest


def test_another_trusted_signer_does_not_get_the_name() -> None:
    found = verify(package(BOB, version="2.0"), trust=TRUST, now=NOW)
    assert isinstance(found, Refusal)
    assert found.code == "owner-differs"
    assert found.evidence["owner"] == ADA.key_id


def test_a_new_owner_by_consent_does_not_keep_the_old_ones_data() -> None:
    found = verify(package(BOB, version="2.0"), trust=TRUST, now=NOW, leave=Leave(consent=True))
    assert isinstance(found, VerifiedPackage)
    assert found.ownership is Ownership.REPLACED
    assert not found.ownership.keeps_data


@pytest.mark.parametrize(
    ("wanted", "difference"),
    [
        ({"more": '[sandbox]\nfilesystem = ["read-only:/etc/hosts"]\n'}, "filesystem read-only:/etc/hosts"),
        ({"more": '[limits]\nmemory = "65M"\n'}, "memory 67108864 → 68157440"),
        (
            {"more": '[services.hello]\ninterface = "org.example.Hello1"\n'},
            "service hello (org.example.Hello1) for root",
        ),
        ({"type": "system-optimizer"}, "type custom → system-optimizer"),
    ],
)
def test_an_upgrade_that_asks_for_more_shows_the_difference_and_waits(wanted: dict[str, str], difference: str) -> None:
    one = package(ADA, version="1.1", **wanted)
    found = verify(one, trust=TRUST, now=NOW, leave=Leave(installed=INSTALLED))
    assert isinstance(found, Refusal)
    assert found.code == "widened"
    assert difference in found.sentence
    assert isinstance(
        verify(one, trust=TRUST, now=NOW, leave=Leave(installed=INSTALLED, consent=True)), VerifiedPackage
    )
