"""Building: the same files, the same bytes, and nothing that would not load."""

import hashlib

import pytest

from exoctl.building import build, payload_for
from exod.errors import Refusal
from exod.package.payload import Payload
from tests.builders import NOW, files, key, manifest_toml, zipped


def test_a_payload_speaks_for_the_zip_it_was_made_for() -> None:
    body = zipped()
    found = payload_for(body, signer=key().key_id, issued=NOW, sequence=2, expires=NOW + 1)
    digest = hashlib.sha256(body).hexdigest()
    expected = Payload("hello", "1.0.0", "custom", len(body), digest, 2, NOW, key().key_id, 1, NOW + 1)
    assert found == expected


@pytest.mark.parametrize(
    ("contents", "wanted"),
    [
        ({"LICENSE": (b"", False)}, "manifest-missing"),
        (files(manifest=b"x"), "manifest-malformed"),
        (files(extra={"code/fast.so": b"x"}), "machine-code"),
        (files(extra={"assets/logo.png": b"\x7fELF"}), "machine-code"),
        (files(entry="other:Hello"), "entry-missing"),
        (files(extra={"code/x.pyc": b""}), "archive-bytecode"),
        (files(extra={"code/../x": b""}), "archive-path"),
        (files(extra={"code/\u0430.py": b""}), "archive-path"),
    ],
)
def test_nothing_is_built_that_would_not_load(contents: dict[str, tuple[bytes, bool]], wanted: str) -> None:
    found = build(contents)
    assert isinstance(found, Refusal)
    assert found.code == wanted


def test_the_same_files_build_the_same_bytes() -> None:
    assert build(files()) == build(dict(reversed(files().items())))


def test_a_payload_is_made_only_for_what_would_load() -> None:
    found = payload_for(b"not a zip", signer=key().key_id, issued=0)
    assert isinstance(found, Refusal)


def test_an_entry_may_be_a_package_and_machine_code_may_be_asked_for() -> None:
    more = "[sandbox]\nnative = true\n"
    contents = files(
        entry="app.main:Hello", more=more, extra={"code/app/main/__init__.py": b"", "code/app/x.so": b"\x7fELF"}
    )
    assert isinstance(build(contents), bytes)


def test_a_machine_code_entry_has_to_be_there() -> None:
    manifest = manifest_toml(more="[sandbox]\nnative = true\n").replace(b'python = "hello:Hello"', b'elf = "code/main"')
    assert isinstance(build(files(manifest=manifest, extra={"code/main": b"\x7fELF"})), bytes)
    found = build(files(manifest=manifest))
    assert isinstance(found, Refusal)
    assert found.code == "entry-missing"
