"""The DSSE envelope: one reading, one base64, a known kind, whole signatures of different keys."""

import base64
import json
from typing import Any

import pytest

from exod.errors import Refusal
from exod.package import envelope
from exod.package.envelope import PACKAGE, ROTATION, SIGNATURE_BYTES, Envelope, Signature

IDS = [f"{number:064x}" for number in range(9)]
GOOD = Envelope(PACKAGE, b'{"a":1}', (Signature(IDS[0], bytes(SIGNATURE_BYTES)),))


def code(data: bytes) -> str:
    found = envelope.parse(data, expected=(PACKAGE,))
    return found.code if isinstance(found, Refusal) else "accepted"


def changed(**changes: Any) -> bytes:
    return json.dumps(json.loads(GOOD.encode()) | changes).encode()


def entry(**changes: Any) -> dict[str, Any]:
    first: dict[str, Any] = json.loads(GOOD.encode())["signatures"][0]
    return first | changes


def test_an_envelope_is_read_back_as_it_was_written() -> None:
    assert envelope.parse(GOOD.encode(), expected=(PACKAGE,)) == GOOD


def test_the_signed_encoding_is_that_of_the_specification() -> None:
    assert envelope.pae("http://example.com/HelloWorld", b"hello world") == (
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )


def test_another_kind_of_document_is_refused() -> None:
    found = envelope.parse(changed(payloadType=ROTATION), expected=(PACKAGE,))
    assert isinstance(found, Refusal)
    assert found.code == "document-kind"
    assert ROTATION in found.sentence


@pytest.mark.parametrize(
    ("data", "wanted"),
    [
        (b"", "envelope-malformed"),
        (b"[]", "envelope-malformed"),
        (b" " * (envelope.MAX_BYTES + 1), "envelope-malformed"),
        (b"[" * 5000, "envelope-malformed"),
        (b"\xff", "envelope-malformed"),
        (b'{"payload":"","payload":"","payloadType":"","signatures":[]}', "envelope-malformed"),
        (changed(extra=1), "envelope-malformed"),
        (changed(payloadType=1), "document-kind"),
        (changed(payload=1), "envelope-malformed"),
        (changed(payload="a"), "envelope-malformed"),
        (changed(payload="_-8="), "envelope-malformed"),
        (changed(payload="YWI"), "envelope-malformed"),
        (changed(payload="YWJ="), "envelope-malformed"),
        (changed(payload="YW I="), "envelope-malformed"),
        (changed(signatures={}), "envelope-malformed"),
        (changed(signatures=[]), "signature-missing"),
        (changed(signatures=[1]), "envelope-malformed"),
        (changed(signatures=[entry(extra=1)]), "envelope-malformed"),
        (changed(signatures=[entry(keyid="short")]), "envelope-malformed"),
        (changed(signatures=[entry(keyid=IDS[0].replace("0", "A"))]), "envelope-malformed"),
        (changed(signatures=[entry(keyid=None)]), "envelope-malformed"),
        (changed(signatures=[entry(), entry()]), "signature-repeated"),
        (changed(signatures=[entry(sig="")]), "signature-incomplete"),
        (changed(signatures=[entry(sig=base64.b64encode(bytes(64)).decode())]), "signature-incomplete"),
        (changed(signatures=[entry(sig=base64.b64encode(bytes(3309)).decode())]), "signature-incomplete"),
    ],
)
def test_anything_else_is_refused(data: bytes, wanted: str) -> None:
    assert code(data) == wanted


def test_eight_signatures_are_read_and_nine_are_not() -> None:
    entries = [entry(keyid=one) for one in IDS]
    assert code(changed(signatures=entries[:8])) == "accepted"
    assert code(changed(signatures=[{**one, "sig": ""} for one in entries])) == "envelope-malformed"


def test_refusals_repeat_no_control_character_of_their_input() -> None:
    found = envelope.parse(changed(payloadType="\x1b[2J" + "x" * 999), expected=(PACKAGE,))
    assert isinstance(found, Refusal)
    assert found.sentence.isprintable()
    assert len(found.sentence) < 200
