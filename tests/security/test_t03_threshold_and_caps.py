"""THREATS 3: too few signatures, one counted twice, and envelopes too large to be looked at."""

import json

import pytest

from exod.errors import Refusal
from exod.package import envelope, package, parse
from exod.package.package import MAGIC, split
from exod.trust.state import TrustState
from exod.trust.verify import Trust, verify
from tests.builders import NOW, anchor_for, key, signed_package

BOTH = Trust((anchor_for(key("vendor"), key("other"), threshold=2),), TrustState())


def test_below_the_threshold_is_refused() -> None:
    found = parse(signed_package(key("vendor")))
    assert not isinstance(found, Refusal)
    verdict = verify(found, trust=BOTH, now=NOW)
    assert isinstance(verdict, Refusal)
    assert verdict.code == "below-threshold"


def forged(entries: list[dict[str, str]]) -> bytes:
    head, body = split(signed_package(key("vendor")))
    changed = json.dumps(json.loads(head) | {"signatures": entries}).encode()
    return MAGIC + len(changed).to_bytes(4, "little") + changed + body


def test_one_key_counted_twice_is_refused() -> None:
    head, _ = split(signed_package(key("vendor")))
    [entry] = json.loads(head)["signatures"]
    found = parse(forged([entry, entry]))
    assert isinstance(found, Refusal)
    assert found.code == "signature-repeated"


def test_one_signature_under_two_ids_counts_once_at_most() -> None:
    head, _ = split(signed_package(key("vendor")))
    [entry] = json.loads(head)["signatures"]
    found = parse(forged([entry, {**entry, "keyid": key("other").key_id}]))
    assert not isinstance(found, Refusal)
    verdict = verify(found, trust=BOTH, now=NOW)
    assert isinstance(verdict, Refusal)
    assert verdict.code == "signature-invalid"


@pytest.mark.parametrize("length", [65_537, 2**31 - 1, 2**31, 2**32 - 1])
def test_an_oversized_envelope_is_refused_before_it_is_parsed(length: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(envelope, "parse", lambda *_, **__: pytest.fail("parsed"))
    found = parse(MAGIC + length.to_bytes(4, "little") + b"[" * 100_000)
    assert isinstance(found, Refusal)
    assert found.code == "package-malformed"


def test_an_oversized_signature_is_refused() -> None:
    head, _ = split(signed_package(key("vendor")))
    [entry] = json.loads(head)["signatures"]
    found = parse(forged([{**entry, "sig": "AAAA" * 4000}]))
    assert isinstance(found, Refusal)
    assert found.code == "signature-incomplete"


def test_an_oversized_package_is_refused_before_it_is_split(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(package, "MAX_BYTES", 1000)
    found = parse(signed_package())
    assert isinstance(found, Refusal)
    assert found.code == "package-too-large"
