"""THREATS 5: an older version than was ever installed, unless it is asked for by name."""

import pytest

from exod.errors import Refusal
from exod.package import parse
from exod.trust import state
from exod.trust.state import TrustState
from exod.trust.verify import Leave, Trust, verify
from tests.builders import NOW, anchor_for, key, signed_package


def verdict(version: str, *, mark: str, downgrade: bool = False) -> str:
    known = state.own(TrustState(), "hello", owner=key().key_id, mark=mark, now=NOW)
    package = parse(signed_package(version=version))
    assert not isinstance(package, Refusal)
    found = verify(package, trust=Trust((anchor_for(),), known), now=NOW, leave=Leave(downgrade=downgrade))
    return found.code if isinstance(found, Refusal) else "accepted"


@pytest.mark.parametrize(
    ("version", "mark"),
    [("0.9", "1.0"), ("1.9", "1.10"), ("1.0rc1", "1.0"), ("1.0.dev1", "1.0a1"), ("1.0", "1.0.post1")],
)
def test_an_older_version_is_refused(version: str, mark: str) -> None:
    assert verdict(version, mark=mark) == "downgrade"
    assert verdict(version, mark=mark, downgrade=True) == "accepted"


@pytest.mark.parametrize(("version", "mark"), [("1.0", "1.0"), ("1.10", "1.9"), ("1.0", "1.0rc1"), ("1.0.0", "1.0")])
def test_the_same_or_a_newer_version_is_accepted(version: str, mark: str) -> None:
    assert verdict(version, mark=mark) == "accepted"


def test_the_mark_outlives_every_removal() -> None:
    known = state.own(TrustState(), "hello", owner=key().key_id, mark="2.0", now=NOW)
    known = state.decode(state.encode(state.own(known, "hello", owner="", mark="", now=0)))  # type: ignore[assignment]
    package = parse(signed_package(version="1.0"))
    assert not isinstance(package, Refusal)
    found = verify(package, trust=Trust((anchor_for(),), known), now=NOW)
    assert isinstance(found, Refusal)
    assert found.code == "downgrade"
