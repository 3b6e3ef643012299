"""THREATS 55: what was signed for development never runs in production, whatever is trusted there."""

import pytest

from exoctl.trustfiles import anchor_file
from exod.errors import Refusal
from exod.package import Package, parse
from exod.trust.gather import gather
from exod.trust.state import TrustState
from exod.trust.verify import Leave, Trust, verify
from tests.builders import NOW, anchor_for, signed_package


@pytest.mark.parametrize("level", ["vendor", "trusted", "dev"])
def test_a_development_package_is_refused_before_any_key_is_looked_at(
    level: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Trust, "by_key", property(lambda _: pytest.fail("looked at keys")))
    package = parse(signed_package(development=True))
    assert isinstance(package, Package)
    found = verify(
        package,
        trust=Trust((anchor_for(level=level),), TrustState()),
        now=NOW,
        leave=Leave(consent=True, downgrade=True),
    )
    assert isinstance(found, Refusal)
    assert found.code == "dev-package"


def test_a_development_anchor_is_no_anchor_in_production() -> None:
    files = {"dev.toml": anchor_file(anchor_for(level="dev", scope=("*",)))}
    found = gather(files, state=TrustState())
    assert found.anchors == ()
    assert [one.code for one in found.refusals] == ["dev-anchor"]


def test_a_development_key_answers_for_no_production_package() -> None:
    package = parse(signed_package())
    assert isinstance(package, Package)
    trust = Trust((anchor_for(level="dev", scope=("*",)),), TrustState(), development=True)
    found = verify(package, trust=trust, now=NOW)
    assert isinstance(found, Refusal)
    assert found.code == "signer-unknown"
