"""What the command line writes into trust.d reads back as the same value."""

from exoctl.trustfiles import anchor_file, everything, revoked_file
from exod.trust import anchors, revocation
from exod.trust.revocation import Revocations
from tests.builders import anchor_for


def test_an_anchor_reads_back() -> None:
    anchor = anchor_for()
    assert anchor.scope.ceiling == everything()
    assert anchors.parse(anchor_file(anchor), name=anchor.name) == anchor


def test_revocations_read_back_and_a_reason_cannot_leave_its_text() -> None:
    found = revocation.parse_local(revoked_file(Revocations({"a" * 64: 'lost"\n['}, frozenset(("b" * 64,)))))
    assert found == Revocations({"a" * 64: "lost["}, frozenset(("b" * 64,)))
