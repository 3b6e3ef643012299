"""The verdict: what is accepted and why, and one refusal for each reason."""

from dataclasses import replace
from typing import Any

import pytest

from exod.errors import Refusal
from exod.package import Package, parse
from exod.package.envelope import Envelope, Signature
from exod.package.manifest import Manifest
from exod.trust import state
from exod.trust.revocation import Revocations
from exod.trust.rotation import Rotation
from exod.trust.state import TrustState
from exod.trust.verify import FUTURE, Leave, Ownership, Trust, VerifiedPackage, verify
from tests.builders import NOW, anchor_for, key, signed_package

VENDOR, OTHER, LAB = key("vendor"), key("other"), key("lab")
OWNED = state.own(TrustState(), "hello", owner=VENDOR.key_id, mark="1.0.0", now=NOW)


def package(*signers: Any, **wanted: Any) -> Package:
    found = parse(signed_package(*signers, **wanted))
    assert isinstance(found, Package)
    return found


def trust(*anchors: Any, **changes: Any) -> Trust:
    return Trust(anchors or (anchor_for(),), **{"state": TrustState(), **changes})


def accepted(one: Package, given: Trust, **how: Any) -> VerifiedPackage:
    found = verify(one, trust=given, now=how.pop("now", NOW), leave=Leave(**how))
    assert isinstance(found, VerifiedPackage), found
    return found


def refused(one: Package, given: Trust, **how: Any) -> Refusal:
    found = verify(one, trust=given, now=how.pop("now", NOW), leave=Leave(**how))
    assert isinstance(found, Refusal), found
    assert found.sentence.startswith(f"cannot load {one.name} {one.version}: ")
    assert found.sentence.isprintable()
    return found


def with_signatures(one: Package, *signatures: Signature) -> Package:
    return replace(one, envelope=Envelope(one.envelope.payload_type, one.envelope.payload, signatures))


def test_a_trusted_package_is_accepted_and_says_why() -> None:
    one = package()
    found = accepted(one, trust())
    assert (found.package, found.owner, found.level, found.digest) == (one, VENDOR.key_id, "vendor", one.digest)
    assert found.manifest.name == "hello"
    assert found.ownership is Ownership.FIRST
    assert found.reasons == (
        f"signed by vendor ({VENDOR.key_id[:12]}), both halves of each pair",
        'level vendor, scope "hello", threshold 1',
        "first of its name: the signer becomes its owner",
    )


def test_nobody_else_can_say_that_a_package_is_verified() -> None:
    with pytest.raises(TypeError, match="not by saying so"):
        VerifiedPackage()


def test_a_development_package_is_refused_before_any_key_is_looked_at() -> None:
    one = package(development=True)
    dev = anchor_for(level="dev", scope=("*",))
    assert refused(one, trust(dev)).code == "dev-package"
    assert accepted(one, trust(dev, development=True)).level == "dev"


def test_development_keys_and_packages_go_only_with_each_other() -> None:
    dev = anchor_for(level="dev", scope=("*",))
    assert refused(package(), trust(dev, development=True)).code == "signer-unknown"
    assert refused(package(development=True), trust(development=True)).code == "signer-unknown"


def test_an_unknown_signer_is_refused_with_the_next_step() -> None:
    found = refused(package(OTHER), trust())
    assert found.code == "signer-unknown"
    assert found.hint == "exoctl key trust KEY.pub --name NAME --scope hello"
    assert found.evidence["signer"] == OTHER.key_id


def test_a_revoked_signer_or_package_is_refused_with_the_reason() -> None:
    found = refused(package(), trust(revocations=Revocations({VENDOR.key_id: "laptop stolen"})))
    assert found.code == "signer-revoked"
    assert "laptop stolen" in found.sentence
    one = package()
    assert refused(one, trust(revocations=Revocations(packages=frozenset({one.digest})))).code == "package-revoked"


def test_without_a_list_in_force_a_package_is_refused_or_reported_degraded() -> None:
    expired = Revocations(fresh_until=NOW)
    for lists in (Revocations(), expired):
        assert refused(package(), trust(revocations=lists, strict_revocation=True)).code == "revocation-stale"
        assert accepted(package(), trust(revocations=lists)).degraded
    fresh = Revocations(fresh_until=NOW + 1)
    assert accepted(package(), trust(revocations=fresh, strict_revocation=True)).degraded == ()


def test_a_signature_over_something_else_is_refused() -> None:
    one, two = package(), package(version="1.0.1")
    found = refused(with_signatures(one, *two.envelope.signatures), trust())
    assert found.code == "signature-invalid"


def test_one_bad_signature_of_a_trusted_key_spoils_the_good_one() -> None:
    one = package(VENDOR, OTHER)
    good, bad = one.envelope.signatures
    spoiled = with_signatures(one, good, Signature(bad.key_id, bad.sig[:-1] + bytes([bad.sig[-1] ^ 1])))
    assert refused(spoiled, trust(anchor_for(VENDOR, OTHER))).code == "signature-invalid"


def test_the_signature_of_the_named_signer_has_to_be_there() -> None:
    one = package(VENDOR, OTHER)
    only_other = with_signatures(one, one.envelope.signatures[1])
    assert refused(only_other, trust(anchor_for(VENDOR, OTHER))).code == "signature-missing"


def test_signatures_of_strangers_neither_help_nor_hurt() -> None:
    assert accepted(package(VENDOR, OTHER), trust()).signers == (VENDOR.key_id,)


def test_a_threshold_counts_distinct_trusted_identities() -> None:
    both = trust(anchor_for(VENDOR, OTHER, threshold=2))
    assert refused(package(VENDOR), both).code == "below-threshold"
    assert refused(package(VENDOR, LAB), both).code == "below-threshold"
    assert accepted(package(VENDOR, OTHER), both).signers == (VENDOR.key_id, OTHER.key_id)
    assert accepted(package(OTHER, VENDOR), both).owner == OTHER.key_id


def test_a_revoked_cosigner_does_not_count() -> None:
    gone = Revocations({OTHER.key_id: ""})
    both = trust(anchor_for(VENDOR, OTHER, threshold=2), revocations=gone)
    assert refused(package(VENDOR, OTHER), both).code == "below-threshold"


@pytest.mark.parametrize(
    ("anchor", "wanted", "said"),
    [
        ({"scope": ("sensor-",)}, {}, 'signed by vendor, whose scope is "sensor-*"'),
        ({"scope": ("hell",)}, {}, 'whose scope is "hell"'),
        ({"types": ("ai-model",)}, {}, "whose types are ai-model"),
        ({"ceiling": {}}, {"more": "[sandbox]\nprocesses = true\n"}, "ceiling does not allow processes"),
        (
            {"interfaces": ("org.other.",)},
            {"more": '[services.hello]\ninterface = "org.example.Hello1"\n'},
            "interfaces do not include org.example.Hello1",
        ),
    ],
)
def test_a_package_outside_the_scope_is_refused(anchor: dict[str, Any], wanted: dict[str, Any], said: str) -> None:
    found = refused(package(**wanted), trust(anchor_for(**anchor)))
    assert found.code == "signer-out-of-scope"
    assert said in found.sentence
    assert found.evidence["anchor"] == "vendor"


def test_one_key_may_have_several_anchors_and_the_one_that_fits_counts() -> None:
    wrong, right = anchor_for(name="a", scope=("sensor-",)), anchor_for(name="b")
    assert accepted(package(), trust(wrong, right)).anchor.name == "b"
    assert 'scope is "sensor-*"' in refused(package(), trust(wrong, replace(wrong, name="c"))).sentence


def test_expired_trust_and_expired_packages_are_refused() -> None:
    assert refused(package(), trust(anchor_for(expires=NOW))).code == "signer-expired"
    assert accepted(package(), trust(anchor_for(expires=NOW + 1)))
    assert refused(package(expires=NOW), trust()).code == "package-expired"
    assert accepted(package(expires=NOW + 1), trust())


@pytest.mark.parametrize("changes", [{"state": TrustState(clock=NOW)}, {"built": NOW}])
def test_the_clock_is_never_earlier_than_a_time_that_has_passed(changes: dict[str, Any]) -> None:
    assert refused(package(), trust(anchor_for(expires=NOW), **changes), now=5).code == "signer-expired"
    assert accepted(package(), trust(**changes), now=5).clock == NOW


def test_the_date_of_a_package_moves_the_clock_but_not_by_years() -> None:
    one = package(issued=NOW + 50)
    assert accepted(one, trust()).clock == NOW + 50
    assert refused(one, trust(anchor_for(expires=NOW + 50))).code == "signer-expired"
    assert accepted(package(issued=NOW + FUTURE), trust())
    assert refused(package(issued=NOW + FUTURE + 1), trust()).code == "clock-behind"


def test_no_row_of_packages_carries_the_recorded_clock_further_than_one() -> None:
    known = TrustState(clock=NOW)
    for _ in range(3):
        found = accepted(package(issued=known.clock + FUTURE), trust(state=known))
        known = TrustState(clock=found.clock)
    assert known.clock == NOW + FUTURE


def test_another_signer_needs_consent_or_the_owners_statement() -> None:
    anchors = (anchor_for(), anchor_for(LAB, name="lab"))
    one = package(LAB)
    found = refused(one, trust(*anchors, state=OWNED))
    assert found.code == "owner-differs"
    assert found.evidence["owner"] == VENDOR.key_id
    assert accepted(one, trust(*anchors, state=OWNED), consent=True).ownership is Ownership.REPLACED
    handed = Rotation(("hello",), VENDOR.key_id, LAB.key_id, NOW)
    assert accepted(one, trust(*anchors, state=OWNED, rotations=(handed,))).ownership is Ownership.ROTATED


def test_a_statement_of_a_revoked_owner_hands_nothing_on() -> None:
    handed = Rotation(("hello",), VENDOR.key_id, LAB.key_id, NOW)
    gone = Revocations({VENDOR.key_id: ""})
    given = trust(anchor_for(LAB, name="lab"), state=OWNED, rotations=(handed,), revocations=gone)
    assert refused(package(LAB), given).code == "owner-differs"


def test_only_the_same_or_a_named_successor_keeps_the_data() -> None:
    assert {one for one in Ownership if one.keeps_data} == {Ownership.SAME, Ownership.ROTATED}


def test_an_older_version_is_refused_unless_asked_for_by_name() -> None:
    old = package(version="0.9")
    found = refused(old, trust(state=OWNED))
    assert found.code == "downgrade"
    assert found.evidence["mark"] == "1.0.0"
    assert found.hint == "exoctl plugin load hello_0.9.exopkg --downgrade"
    assert accepted(old, trust(state=OWNED), downgrade=True).ownership is Ownership.SAME
    assert accepted(package(), trust(state=OWNED))


def test_a_mark_belongs_to_its_owner_and_waits_for_it() -> None:
    anchors = (anchor_for(), anchor_for(LAB, name="lab"))
    taken = state.own(OWNED, "hello", owner=LAB.key_id, mark="0.1", now=NOW)
    assert accepted(package(LAB, version="0.2"), trust(*anchors, state=taken))
    assert refused(package(version="0.9"), trust(*anchors, state=taken), consent=True).code == "downgrade"


def test_asking_for_more_than_what_is_installed_needs_consent() -> None:
    installed = package().manifest
    wider = package(version="1.1", more='[limits]\nmemory = "1G"\n')
    found = refused(wider, trust(state=OWNED), installed=installed)
    assert found.code == "widened"
    assert found.evidence["difference"] == "memory 67108864 → 1073741824"
    assert found.evidence["difference"] in found.sentence
    assert accepted(wider, trust(state=OWNED), installed=installed, consent=True)
    assert accepted(package(version="1.1"), trust(state=OWNED), installed=installed)


def test_another_owners_difference_is_shown_too() -> None:
    installed: Manifest = package().manifest
    wider = package(LAB, more="[sandbox]\nprocesses = true\n")
    given = trust(anchor_for(), anchor_for(LAB, name="lab"), state=OWNED)
    assert refused(wider, given, installed=installed).evidence["difference"] == "processes true"


def test_the_hint_asks_for_trust_in_what_the_package_wants_and_is_safe_to_paste() -> None:
    more = (
        '[sandbox]\nfilesystem = ["read-only:/srv/$(x)"]\nprocesses = true\n'
        '[services.hello]\ninterface = "org.example.Hello1"\n'
    )
    hint = refused(package(OTHER, more=more), trust()).hint
    assert hint.startswith("exoctl key trust KEY.pub --name NAME --scope hello --interface org.example.Hello1")
    assert "--allow 'filesystem=read-only:/srv/$(x)' --allow processes" in hint
