"""Whatever comes in, only refusals come out."""

import json
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exod.errors import Refusal
from exod.package import archive, envelope, manifest, parse, payload
from exod.package.archive import Archive
from exod.package.envelope import PACKAGE, Envelope
from exod.package.manifest import Manifest
from tests.builders import files, manifest_toml, signed_package

FUZZ = settings(derandomize=True, max_examples=200, deadline=None, database=None)
GOOD_PACKAGE = signed_package()
GOOD_ZIP = archive.write(files())

SCALARS = st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.floats()
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner))
KEYS = st.sampled_from(
    ["package", "name", "version", "type", "entry", "python", "sandbox", "filesystem", "limits", "memory", "config"]
    + ["services", "hello", "interface", "methods", "dependencies", "x"]
)


def toml_value(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {toml_value(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(toml_value(item) for item in value) + "]"
    if isinstance(value, bool) or value is None:
        return str(bool(value)).lower()
    return repr(value) if not isinstance(value, str) else '"' + "".join(c for c in value if c.isalnum()) + '"'


TABLES = st.recursive(SCALARS, lambda inner: st.dictionaries(KEYS, inner, max_size=5) | st.lists(inner, max_size=3))


def flipped(data: bytes, seed: int) -> bytes:
    """Bytes changed, cut, doubled or moved, a few at once."""
    chance, changed = random.Random(seed), bytearray(data)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(changed) or 1)
        match chance.randrange(5):
            case 0:
                changed[at : at + 1] = bytes([chance.randrange(256)])
            case 1:
                del changed[at : at + chance.randrange(1, 40)]
            case 2:
                changed[at:at] = changed[at : at + chance.randrange(1, 40)]
            case 3:
                changed[at:at] = chance.randbytes(chance.randrange(1, 8))
            case _:
                changed[at : at + 4] = b"\xff\xff\xff\xff"
    return bytes(changed)


@FUZZ
@given(st.binary(max_size=300))
def test_any_bytes(data: bytes) -> None:
    assert isinstance(parse(data), Refusal)
    assert isinstance(envelope.parse(data, expected=(PACKAGE,)), Refusal)
    assert isinstance(payload.parse(data), Refusal)
    assert isinstance(manifest.parse(data), Refusal)
    assert isinstance(archive.parse(data), Refusal)


@pytest.mark.parametrize("block", range(4))
def test_any_damaged_package(block: int) -> None:
    """A package may only be read if what was signed is untouched; the signatures themselves are trust's to judge."""
    good = parse(GOOD_PACKAGE)
    assert not isinstance(good, Refusal)
    for seed in range(block * 250, block * 250 + 250):
        found = parse(flipped(GOOD_PACKAGE, seed))
        assert isinstance(found, Refusal) or (found.payload == good.payload and found.zip == good.zip), seed


@pytest.mark.parametrize("block", range(4))
def test_any_damaged_archive(block: int) -> None:
    for seed in range(block * 250, block * 250 + 250):
        data = flipped(GOOD_ZIP, seed)
        found = archive.parse(data)
        if isinstance(found, Archive):
            assert archive.write(found.files) == data, seed


@pytest.mark.parametrize("block", range(2))
def test_any_damaged_envelope(block: int) -> None:
    data = envelope.Envelope(PACKAGE, b"{}", (envelope.Signature("0" * 64, bytes(3373)),)).encode()
    for seed in range(block * 250, block * 250 + 250):
        found = envelope.parse(flipped(data, seed), expected=(PACKAGE,))
        assert isinstance(found, Refusal | Envelope), seed


@pytest.mark.parametrize("block", range(2))
def test_any_damaged_manifest(block: int) -> None:
    data = manifest_toml(more='[limits]\nmemory = "64M"\n[config]\nx = {type = "number", default = 1}\n')
    for seed in range(block * 250, block * 250 + 250):
        assert isinstance(manifest.parse(flipped(data, seed)), Refusal | Manifest), seed


@pytest.mark.slow
@FUZZ
@given(TABLES)
def test_any_tables_of_toml(value: Any) -> None:
    tables = value if isinstance(value, dict) else {"package": value}
    text = "\n".join(f"{key} = {toml_value(item)}" for key, item in tables.items())
    found = manifest.parse(text.encode("utf-8", "replace"))
    assert isinstance(found, Refusal)
    assert found.sentence.isprintable()


@pytest.mark.slow
@FUZZ
@given(VALUES)
def test_any_json_value_as_payload(value: Any) -> None:
    assert isinstance(payload.parse(json.dumps(value).encode()), Refusal)


@pytest.mark.slow
@FUZZ
@given(
    st.dictionaries(
        st.from_regex(r"\A(code|assets)/[a-z]{1,3}(/[a-zA-Z]{1,2})?\Z"), st.tuples(st.binary(max_size=9), st.booleans())
    )
)
def test_any_files_are_read_back_or_refused(contents: dict[str, tuple[bytes, bool]]) -> None:
    found = archive.parse(archive.write(contents))
    assert isinstance(found, Refusal) or found.files == contents
