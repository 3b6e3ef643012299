"""THREATS 7: hostile manifests end in a refusal that names the key, at once, whatever their size or depth."""

import time

import pytest

from exod.errors import Refusal
from exod.package import manifest
from tests.builders import manifest_toml


def refused(data: bytes) -> Refusal:
    found = manifest.parse(data)
    assert isinstance(found, Refusal)
    assert found.sentence.isprintable()
    assert len(found.sentence) < 400
    return found


@pytest.mark.parametrize(
    ("more", "key"),
    [
        ("[limits]\nmemory = 64\n", "limits.memory"),
        ("[limits]\nmemory = [[[[1]]]]\n", "limits.memory"),
        ('[sandbox]\nprocesses = "yes"\n', "sandbox.processes"),
        ("[sandbox]\nroot = true\n", "sandbox.root"),
        ("[surprise]\n", "surprise"),
        ('[dependencies]\nhello = ">=1"\n', "dependencies.hello"),
        ('[dependencies]\n"../x" = ">=1"\n', "dependencies.'../x'"),
    ],
)
def test_wrong_types_unknown_keys_and_self_dependencies_name_the_key(more: str, key: str) -> None:
    assert refused(manifest_toml(more=more)).evidence["key"] == key


@pytest.mark.parametrize(
    "name", ["a/b", "../a", "h\u0435llo", "hello\u200b", "Hello", "\uff48ello", "a--b", "-a", "a-", "", "h" * 64]
)
def test_a_name_with_slashes_or_look_alikes_is_refused(name: str) -> None:
    assert refused(manifest_toml(name=name)).evidence["key"] == "package.name"


def test_ten_megabytes_are_refused_unread() -> None:
    assert refused(manifest_toml(more=f'[x]\ny = "{"A" * 10_000_000}"\n')).code == "manifest-too-large"


HOSTILE = {
    "arrays": b"x = " + b"[" * 60_000,
    "tables": b"x = " + b"{a=" * 20_000,
    "header": b"[" + b"a." * 30_000 + b"a]",
    "dotted": b"a." * 30_000 + b"a = 1",
    "quoted": b'"a".' * 15_000 + b"a = 1",
    "inline": b"x = {" + b"a." * 30_000 + b"a = 1}",
    "many": b"\n".join([b"a." * 60 + b"b%d = 1" % number for number in range(400)]),
    "open header": b"[" + b" " * 60_000,
    "header in text": b'x = """\n[' + b" " * 60_000 + b'\n"""\n',
    "spaces": b" " * 60_000 + b"x",
    "digits": b"x = " + b"9" * 60_000,
    "hexadecimal": b"x = 0x" + b"f" * 60_000,
}


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE)
def test_depth_and_length_are_refused_in_no_time(data: bytes) -> None:
    before = time.process_time()
    refused(data)
    assert time.process_time() - before < 2
