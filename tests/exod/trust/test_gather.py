"""trust.d as a whole: each file for itself."""

from exoctl.private import PrivateIdentity, sign
from exoctl.trustfiles import anchor_file, revoked_file
from exod.package.envelope import REVOCATION, ROTATION
from exod.trust.gather import gather
from exod.trust.revocation import Revocations
from exod.trust.rotation import Rotation
from exod.trust.state import TrustState
from tests.builders import NOW, RevocationList, anchor_for, key, stated

VENDOR, LAB = key("vendor"), key("lab")
FILES = {
    "lab.toml": anchor_file(anchor_for(LAB, level="trusted")),
    "vendor.toml": anchor_file(anchor_for(VENDOR)),
}


def revoking(signer: PrivateIdentity, *victims: PrivateIdentity, sequence: int = 1) -> bytes:
    listed = RevocationList(sequence, NOW, NOW + 9, {one.key_id: "x" for one in victims})
    return sign(REVOCATION, listed.encode(), keys=(signer,)).encode()


def test_every_kind_of_file_is_taken() -> None:
    rotation = Rotation(("hello",), LAB.key_id, VENDOR.key_id, NOW)
    files = FILES | {
        "revoked.toml": revoked_file(Revocations({"e" * 64: "lost"})),
        "today.revocation": revoking(VENDOR, key("third")),
        "lab.rotation": sign(ROTATION, stated(rotation), keys=(LAB,)).encode(),
        "README": b"not ours",
    }
    found = gather(files, state=TrustState())
    assert [one.name for one in found.anchors] == ["lab", "vendor"]
    assert set(found.revocations.keys) == {"e" * 64, key("third").key_id}
    assert found.revocations.sequences == {VENDOR.key_id: 1}
    assert found.rotations == (rotation,)
    assert found.refusals == ()


def test_a_bad_file_refuses_only_itself() -> None:
    bad = {"bad.toml": b"x", "bad.revocation": b"x", "bad.rotation": b"x", "revoked.toml": b"x"}
    found = gather(FILES | bad, state=TrustState())
    assert len(found.anchors) == 2
    assert found.revocations == Revocations()
    assert sorted(one.code for one in found.refusals) == [
        "anchor-malformed",
        "revocation-malformed",
        "revocation-malformed",
        "rotation-malformed",
    ]


def test_nobody_knows_what_a_host_has_revoked_whose_own_file_cannot_be_read() -> None:
    assert gather(FILES | {"bad.revocation": b"x"}, state=TrustState()).unread is None
    found = gather(FILES | {"revoked.toml": b'packages = []\nkeys = "x"\n'}, state=TrustState()).unread
    assert found is not None
    assert found.sentence == "cannot read revoked.toml: line 2: keys: expected a table, got text"


def test_a_development_anchor_counts_only_under_dev() -> None:
    files = {"dev.toml": anchor_file(anchor_for(LAB, level="dev", scope=("*",)))}
    assert [one.code for one in gather(files, state=TrustState()).refusals] == ["dev-anchor"]
    assert len(gather(files, state=TrustState(), development=True).anchors) == 1


def test_a_key_that_the_host_revoked_revokes_nobody() -> None:
    files = FILES | {
        "revoked.toml": revoked_file(Revocations({VENDOR.key_id: "stolen"})),
        "evil.revocation": revoking(VENDOR, LAB),
    }
    found = gather(files, state=TrustState())
    assert set(found.revocations.keys) == {VENDOR.key_id}
    assert [one.code for one in found.refusals] == ["revocation-unknown"]


def test_yesterdays_list_is_refused_today() -> None:
    found = gather(FILES | {"old.revocation": revoking(VENDOR)}, state=TrustState(lists={VENDOR.key_id: 2}))
    assert [one.code for one in found.refusals] == ["revocation-old"]
