"""Revocation lists: who may revoke what, and that none goes back in time."""

from typing import Any

import pytest

from exoctl.private import PrivateIdentity, sign
from exoctl.trustfiles import revoked_file
from exod.errors import Refusal
from exod.package.envelope import PACKAGE, REVOCATION
from exod.trust import revocation
from exod.trust.revocation import Revocations
from exod.trust.state import TrustState
from tests.builders import NOW, RevocationList, anchor_for, key

VENDOR, LAB = key("vendor"), key("lab")
ANCHORS = (anchor_for(VENDOR), anchor_for(LAB, name="lab", level="trusted"))
DIGEST = "d" * 64


def signed(signer: PrivateIdentity, *signers: PrivateIdentity, kind: str = REVOCATION, **changes: Any) -> bytes:
    rows: dict[str, Any] = {"sequence": 5, "issued": NOW, "expires": NOW + 99, "keys": {LAB.key_id: "stolen"}} | changes
    return sign(kind, RevocationList(**rows).encode(), keys=(signer, *signers)).encode()


def parsed(data: bytes, *, state: TrustState | None = None) -> Revocations | Refusal:
    return revocation.parse(data, anchors=ANCHORS, state=state or TrustState())


def code(data: bytes, *, state: TrustState | None = None) -> str:
    found = parsed(data, state=state)
    return found.code if isinstance(found, Refusal) else "accepted"


def test_a_vendor_revokes_keys_and_packages_of_others() -> None:
    found = parsed(signed(VENDOR, packages=(DIGEST,)))
    assert found == Revocations({LAB.key_id: "stolen"}, frozenset({DIGEST}), NOW + 99, {VENDOR.key_id: 5})


def test_any_other_signer_revokes_only_itself() -> None:
    assert code(signed(LAB)) == "accepted"
    assert code(signed(LAB, keys={VENDOR.key_id: ""})) == "revocation-out-of-scope"
    assert code(signed(LAB, keys={}, packages=(DIGEST,))) == "revocation-out-of-scope"


def test_a_list_older_than_one_already_seen_is_refused() -> None:
    seen = TrustState(lists={VENDOR.key_id: 6})
    assert code(signed(VENDOR), state=seen) == "revocation-old"
    assert code(signed(VENDOR, sequence=6), state=seen) == "accepted"
    assert code(signed(LAB), state=seen) == "accepted"


def test_a_list_needs_one_good_signature_of_a_known_key() -> None:
    assert code(signed(key("stranger"))) == "revocation-unknown"
    assert code(signed(VENDOR, LAB)) == "revocation-malformed"
    assert code(signed(VENDOR, kind=PACKAGE)) == "document-kind"
    forged = sign(REVOCATION, RevocationList(1, 1, 1).encode(), keys=(VENDOR,))
    other = sign(REVOCATION, RevocationList(2, 1, 1).encode(), keys=(VENDOR,))
    assert code(type(forged)(REVOCATION, forged.payload, other.signatures).encode()) == "revocation-invalid"


@pytest.mark.parametrize(
    "changes",
    [
        {"sequence": -1},
        {"keys": {"short": ""}},
        {"keys": {DIGEST: "\x1b"}},
        {"packages": (DIGEST, DIGEST)},
        {"issued": "x"},
    ],
)
def test_a_wrong_row_is_refused(changes: dict[str, Any]) -> None:
    assert code(signed(VENDOR, **changes)) == "revocation-malformed"


def test_the_hosts_own_list_is_read_back_as_written() -> None:
    mine = Revocations({LAB.key_id: 'lost "again"\n'}, frozenset({DIGEST}))
    found = revocation.parse_local(revoked_file(mine))
    assert found == Revocations({LAB.key_id: "lost again"}, frozenset({DIGEST}))
    assert revocation.parse_local(b"") == Revocations()


@pytest.mark.parametrize("data", [b"\xff", b"keys = 1", b"[keys]\nx = 1", b"x", b"x = 1", b"#" * 60_000])
def test_a_bad_list_of_the_host_is_refused(data: bytes) -> None:
    found = revocation.parse_local(data)
    assert isinstance(found, Refusal)
    assert found.code == "revocation-malformed"


def test_lists_are_merged_and_go_stale_with_the_first() -> None:
    one, two = (
        Revocations({"a": "x"}, frozenset("p"), 50, {"v": 1}),
        Revocations({"b": "y"}, frozenset("q"), 40, {"w": 2}),
    )
    merged = revocation.merge((one, Revocations(), two))
    assert merged == Revocations({"a": "x", "b": "y"}, frozenset("pq"), 40, {"v": 1, "w": 2})
    assert merged.stale(now=39) == ""
    assert "expired" in merged.stale(now=40)
    assert "no signed" in revocation.merge(()).stale(now=0)
