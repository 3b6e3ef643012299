"""THREATS 1: a package without a signature, or with half of one, never loads."""

import base64
import json
from typing import Any

import pytest

from exod.errors import Refusal
from exod.package import parse
from exod.package.package import MAGIC, split
from exod.trust.state import TrustState
from exod.trust.verify import Trust, verify
from tests.builders import NOW, anchor_for, signed_package


def with_envelope(**changes: Any) -> bytes:
    head, body = split(signed_package())
    forged = json.dumps(json.loads(head) | changes).encode()
    return MAGIC + len(forged).to_bytes(4, "little") + forged + body


def halves(first: bool, second: bool) -> bytes:
    """The package with only some of its signature's bytes left as they were."""
    head, _ = split(signed_package())
    [entry] = json.loads(head)["signatures"]
    sig = base64.b64decode(entry["sig"])
    kept = (sig[:64] if first else bytes(64)) + (sig[64:] if second else bytes(3309))
    return with_envelope(signatures=[{**entry, "sig": base64.b64encode(kept).decode()}])


def test_an_empty_list_of_signatures_is_refused() -> None:
    found = parse(with_envelope(signatures=[]))
    assert isinstance(found, Refusal)
    assert found.code == "signature-missing"


def test_a_package_without_envelope_is_refused() -> None:
    _, body = split(signed_package())
    for data in (body, MAGIC + bytes(4) + body):
        assert isinstance(parse(data), Refusal)


@pytest.mark.parametrize("size", [0, 64, 3309, 3372, 3374])
def test_one_half_of_the_pair_missing_is_refused(size: int) -> None:
    head, _ = split(signed_package())
    [entry] = json.loads(head)["signatures"]
    short = base64.b64encode((base64.b64decode(entry["sig"]) + b"\0")[:size]).decode()
    found = parse(with_envelope(signatures=[{**entry, "sig": short}]))
    assert isinstance(found, Refusal)
    assert found.code == "signature-incomplete"


@pytest.mark.parametrize(("first", "second"), [(True, False), (False, True), (False, False)])
def test_one_half_of_the_pair_wrong_is_refused(first: bool, second: bool) -> None:
    package = parse(halves(first, second))
    assert not isinstance(package, Refusal)
    found = verify(package, trust=Trust((anchor_for(),), TrustState()), now=NOW)
    assert isinstance(found, Refusal)
    assert found.code == "signature-invalid"


def test_both_halves_right_are_accepted() -> None:
    package = parse(halves(first=True, second=True))
    assert not isinstance(package, Refusal)
    assert not isinstance(verify(package, trust=Trust((anchor_for(),), TrustState()), now=NOW), Refusal)
