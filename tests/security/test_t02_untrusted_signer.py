"""THREATS 2: a valid signature of a key that is unknown, revoked, expired, or trusted for something else."""

from typing import Any

import pytest

from exod.errors import Refusal
from exod.package import parse
from exod.trust.revocation import Revocations
from exod.trust.state import TrustState
from exod.trust.verify import Trust, verify
from tests.builders import NOW, anchor_for, key, signed_package

ASKS_FILE = '[sandbox]\nfilesystem = ["read-only:/etc/shadow"]\n'


@pytest.mark.parametrize(
    ("anchor", "wanted", "code"),
    [
        ((key("other"),), {}, "signer-unknown"),
        ({"expires": NOW - 1}, {}, "signer-expired"),
        ({"scope": ("other",)}, {}, "signer-out-of-scope"),
        ({"types": ("ai-model",)}, {}, "signer-out-of-scope"),
        ({"ceiling": {"filesystem": ("read-only:/etc/hosts",)}}, {"more": ASKS_FILE}, "signer-out-of-scope"),
        ({"level": "trusted"}, {"more": "[sandbox]\nnative = true\n"}, "above-level"),
    ],
)
def test_the_signature_is_good_and_the_package_refused(anchor: Any, wanted: dict[str, str], code: str) -> None:
    trusted = anchor_for(*anchor) if isinstance(anchor, tuple) else anchor_for(**anchor)
    package = parse(signed_package(**wanted))
    assert not isinstance(package, Refusal)
    found = verify(package, trust=Trust((trusted,), TrustState()), now=NOW)
    assert isinstance(found, Refusal)
    assert found.code == code


def test_a_revoked_key_is_refused_though_its_anchor_stands() -> None:
    package = parse(signed_package())
    assert not isinstance(package, Refusal)
    trust = Trust((anchor_for(),), TrustState(), Revocations({key().key_id: "stolen"}))
    found = verify(package, trust=trust, now=NOW)
    assert isinstance(found, Refusal)
    assert found.code == "signer-revoked"
