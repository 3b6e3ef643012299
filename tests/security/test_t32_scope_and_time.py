"""THREATS 32: a scope covers no more than its label says, and nothing goes back in time."""

import pytest

from exoctl.private import sign
from exoctl.trustfiles import anchor_file
from exod.errors import Refusal
from exod.package import manifest, parse
from exod.package.envelope import REVOCATION
from exod.package.manifest import Manifest
from exod.trust import anchors, revocation, state
from exod.trust.scope import Scope
from exod.trust.state import TrustState
from exod.trust.verify import Leave, Trust, verify
from tests.builders import NOW, RevocationList, anchor_for, key, manifest_toml, signed_package


@pytest.mark.parametrize(
    ("label", "name"),
    [("net", "netcore"), ("net", "net-core"), ("net-*", "netcore"), ("net-*", "net"), ("net", "ne"), ("net", "xnet")],
)
def test_a_neighbours_name_is_not_covered(label: str, name: str) -> None:
    inner = anchors.label(label)
    assert inner is not None
    asked = manifest.parse(manifest_toml(name=name))
    assert isinstance(asked, Manifest)
    assert "scope is" in Scope((inner,)).lacks(asked)


@pytest.mark.parametrize(
    "label", ["net*", "*", "Net", "n?t", "[a-z]*", "n\u0435t", "\uff4eet", "net-**", "net -*", "", "-"]
)
def test_a_label_that_could_cover_more_is_no_label(label: str) -> None:
    data = anchor_file(anchor_for(scope=("hello",))).replace(b'["hello"]', f'["{label}"]'.encode())
    assert isinstance(anchors.parse(data, name="lab"), Refusal)


def test_a_revocation_list_that_went_back_in_time_is_refused() -> None:
    older = sign(REVOCATION, RevocationList(3, NOW, NOW + 9).encode(), keys=(key(),)).encode()
    known = state.saw_list(TrustState(), key().key_id, sequence=4)
    found = revocation.parse(older, anchors=(anchor_for(),), state=known)
    assert isinstance(found, Refusal)
    assert found.code == "revocation-old"


def test_a_trust_state_that_went_back_in_time_is_refused() -> None:
    found = state.decode(state.encode(TrustState(generation=3)), at_least=4)
    assert isinstance(found, Refusal)
    assert found.code == "trust-state-old"


@pytest.mark.parametrize("now", [0, NOW - 1])
def test_a_clock_set_back_revives_no_expired_trust(now: int) -> None:
    package = parse(signed_package(issued=1000))
    assert not isinstance(package, Refusal)
    known = TrustState(clock=NOW)
    found = verify(package, trust=Trust((anchor_for(expires=NOW),), known), now=now)
    assert isinstance(found, Refusal)
    assert found.code == "signer-expired"


def test_the_date_of_a_verified_package_is_a_floor_under_the_clock() -> None:
    package = parse(signed_package(issued=NOW))
    assert not isinstance(package, Refusal)
    accepted = verify(package, trust=Trust((anchor_for(),), TrustState()), now=0, leave=Leave(downgrade=False))
    assert isinstance(accepted, Refusal)
    assert accepted.code == "clock-behind"
    built = Trust((anchor_for(),), TrustState(), built=NOW - 5)
    found = verify(package, trust=built, now=0)
    assert not isinstance(found, Refusal)
    assert found.clock == NOW
