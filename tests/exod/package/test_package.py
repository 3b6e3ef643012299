"""The file: its parts, and their agreement."""

import struct
from dataclasses import replace
from typing import Any

import pytest

from exoctl.building import payload_for
from exoctl.private import sign
from exod.errors import Refusal
from exod.package import Package, parse
from exod.package.envelope import PACKAGE
from exod.package.package import MAGIC, MAX_BYTES, join, split
from exod.package.payload import Payload
from tests.builders import NOW, key, manifest_toml, signed_package, zipped


def code(data: bytes) -> str:
    found = parse(data)
    return found.code if isinstance(found, Refusal) else "accepted"


def payload(body: bytes) -> Payload:
    found = payload_for(body, signer=key().key_id, issued=NOW)
    assert isinstance(found, Payload)
    return found


def claiming(body: bytes, **changes: Any) -> bytes:
    """A well-signed package whose payload says something else than its contents."""
    return join(sign(PACKAGE, replace(payload(zipped()), **changes).encode(), keys=(key(),)), body)


def test_a_package_is_parsed_whole() -> None:
    data = signed_package(sequence=4, expires=NOW + 1)
    found = parse(data)
    assert isinstance(found, Package)
    assert (found.name, found.version, found.file_name) == ("hello", "1.0.0", "hello_1.0.0.exopkg")
    assert (found.payload.sequence, found.payload.expires, found.payload.signer) == (4, NOW + 1, key().key_id)
    assert found.zip == zipped()
    assert found.digest == found.payload.sha256
    assert found.archive.files["code/hello.py"] == (b"class Hello:\n    pass\n", False)
    assert not found.development


def test_a_development_package_says_so() -> None:
    found = parse(signed_package(development=True))
    assert isinstance(found, Package)
    assert found.development


@pytest.mark.parametrize(
    ("data", "wanted"),
    [
        (b"", "package-malformed"),
        (MAGIC, "package-malformed"),
        (b"EXOPKG2\n" + signed_package()[8:], "package-malformed"),
        (MAGIC + struct.pack("<I", 2**32 - 1), "package-malformed"),
        (MAGIC + struct.pack("<I", 65537) + bytes(70_000), "package-malformed"),
        (MAGIC + struct.pack("<I", 10) + bytes(9), "package-malformed"),
        (MAGIC + struct.pack("<I", 2) + b"{}", "envelope-malformed"),
        (signed_package() + b"\0", "package-altered"),
        (signed_package()[:-1], "package-altered"),
    ],
)
def test_another_file_is_refused(data: bytes, wanted: str) -> None:
    assert code(data) == wanted


def test_a_file_over_the_cap_is_refused_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    assert MAX_BYTES > 64 << 20
    monkeypatch.setattr("exod.package.package.MAX_BYTES", 100)
    assert code(signed_package()) == "package-too-large"


def test_changed_contents_are_refused_with_both_digests() -> None:
    data = signed_package().replace(b"pass", b"fail")
    found = parse(data)
    assert isinstance(found, Refusal)
    assert found.code == "package-altered"
    assert found.sentence.startswith("cannot read hello 1.0.0: ")
    assert found.evidence["signed"] != found.evidence["found"]


@pytest.mark.parametrize(
    "changes",
    [{"name": "other"}, {"version": "1.0.1"}, {"type": "ai-model"}, {"api": 2}],
    ids=lambda row: next(iter(row)),
)
def test_signed_and_packed_values_agree(changes: dict[str, Any]) -> None:
    found = parse(claiming(zipped(), **changes))
    assert isinstance(found, Refusal)
    assert found.code == "package-disagrees"
    assert found.evidence["key"] == next(iter(changes))


def test_a_size_that_is_not_the_zips_is_refused_even_with_its_digest() -> None:
    assert code(claiming(zipped(), size=1)) == "package-altered"


def test_a_package_for_a_newer_api_is_refused() -> None:
    newer = manifest_toml().replace(b"[entry]", b"api = 2\n[entry]")
    body = zipped(manifest=newer)
    found = parse(join(sign(PACKAGE, payload(body).encode(), keys=(key(),)), body))
    assert isinstance(found, Refusal)
    assert found.code == "api-too-new"


def test_the_payload_is_looked_at_before_the_archive() -> None:
    assert code(join(sign(PACKAGE, b"{}", keys=(key(),)), b"not a zip")) == "payload-malformed"


def test_a_file_is_named_after_its_contents() -> None:
    found = parse(signed_package())
    assert isinstance(found, Package)
    assert found.file_name == "hello_1.0.0.exopkg"


def test_joining_and_splitting_are_inverse() -> None:
    data = signed_package()
    head, body = split(data)
    assert data == MAGIC + struct.pack("<I", len(head)) + head + body
