"""The signed payload: one spelling, every field checked."""

from dataclasses import replace
from typing import Any

import pytest

from exod.errors import Refusal
from exod.package import payload, strictjson
from exod.package.payload import Payload

GOOD = Payload("hello", "1.0.0", "custom", 100, "0" * 64, 7, 1000, "1" * 64, 1, 2000)


def encoded(**changes: Any) -> bytes:
    table = strictjson.loads(GOOD.encode(), limit=4096) | changes
    return strictjson.dumps({key: value for key, value in table.items() if value is not ...})


def test_a_payload_is_read_back_as_it_was_written() -> None:
    assert payload.parse(GOOD.encode()) == GOOD
    endless = replace(GOOD, expires=None)
    assert payload.parse(endless.encode()) == endless


def test_another_spelling_of_the_same_value_is_refused() -> None:
    found = payload.parse(GOOD.encode().replace(b",", b", "))
    assert isinstance(found, Refusal)
    assert "canonical" in found.sentence


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"name": "Hello"}, "name"),
        ({"name": "a/b"}, "name"),
        ({"name": ...}, "name"),
        ({"version": "1!2"}, "version"),
        ({"version": "01"}, "version"),
        ({"type": "virus"}, "type"),
        ({"type": 6}, "type"),
        ({"size": -1}, "size"),
        ({"size": 2**32}, "size"),
        ({"size": True}, "size"),
        ({"sha256": "0" * 63}, "sha256"),
        ({"sha256": "A" * 64}, "sha256"),
        ({"sequence": 2**53}, "sequence"),
        ({"issued": -1}, "issued"),
        ({"issued": 10**15}, "issued"),
        ({"expires": 1000}, "expires"),
        ({"expires": None}, "expires"),
        ({"signer": 1}, "signer"),
        ({"api": 0}, "api"),
        ({"extra": 1}, "extra"),
    ],
)
def test_a_wrong_field_is_refused_by_name(changes: dict[str, Any], key: str) -> None:
    found = payload.parse(encoded(**changes))
    assert isinstance(found, Refusal)
    assert found.code == "payload-malformed"
    assert found.evidence["key"] == key


def test_a_payload_over_its_cap_is_refused() -> None:
    found = payload.parse(b"x" * 5000)
    assert isinstance(found, Refusal)
    assert "at most 4096" in found.sentence
