"""`package.toml`: what it may say, and how it says what is wrong."""

import json
import re
import tomllib
from typing import Any

import pytest

from exod.errors import Refusal
from exod.package import manifest
from exod.package.limits import Limits
from exod.package.manifest import Dependency, Entry, Manifest, Platform
from exod.package.options import Option
from exod.package.permissions import FileAccess
from tests.builders import manifest_toml

WHOLE = b"""
[package]
name = "hello"
version = "1.0.0"
summary = "Says hello"
description = "First line\\nsecond line"
authors = ["Ada Example <ada@example.org>"]
license = "Apache-2.0 OR MIT"
type = "device-driver"
class = "net"
api = 1
critical = true
platform = {arch = ["x86_64"], kernel = ">=6.1", features = ["landlock"]}
[entry]
python = "hello.main:Hello"
[binary]
type = "elf"
strip = true
[dependencies]
netcore = ">=1.2,<2"
libc = "posix-x-compat"
codec = {version = ">=1", optional = true}
[sandbox]
filesystem = ["read-only:/etc/os-release"]
[limits]
memory = "128M"
[config]
interval = {type = "number", default = 1, minimum = 0.1, help = "seconds between samples"}
[services.hello]
interface = "org.example.Hello1"
methods.Greet = {in = "s", out = "s"}
signals.Greeted = "s"
properties.Count = {type = "u"}
"""


def parsed(data: bytes) -> Manifest:
    found = manifest.parse(data)
    assert isinstance(found, Manifest), found
    return found


def refused(data: bytes) -> Refusal:
    found = manifest.parse(data)
    assert isinstance(found, Refusal)
    return found


def test_every_table_is_parsed() -> None:
    found = parsed(WHOLE)
    assert (found.name, found.version, found.type, found.plugin_class) == ("hello", "1.0.0", "device-driver", "net")
    assert found.entry == Entry("python", "hello.main:Hello")
    assert found.platform == Platform(("x86_64",), ">=6.1", ("landlock",))
    assert found.critical
    assert found.description == "First line\nsecond line"
    assert dict(found.binary) == {"type": "elf", "strip": True, "lto": False}
    assert found.dependencies == (
        Dependency("codec", ">=1", optional=True),
        Dependency("libc", provider="posix-x-compat"),
        Dependency("netcore", ">=1.2,<2"),
    )
    assert found.permissions.filesystem == (FileAccess("read-only", "/etc/os-release"),)
    assert found.limits == Limits(memory=128 << 20)
    assert found.config == (Option("interval", "number", 1.0, 0.1, None, (), "seconds between samples"),)
    assert found.services[0].methods[0].name == "Greet"


def test_a_small_manifest_is_enough() -> None:
    found = parsed(manifest_toml())
    assert found.limits == Limits()
    assert found.permissions.asked() == {}


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ('name = "hello"', 'name = "Hello"', "package.name"),
        ('name = "hello"', 'name = "net/hello"', "package.name"),
        ('name = "hello"', 'name = "h\u0435llo"', "package.name"),
        ('name = "hello"', f'name = "{"h" * 64}"', "package.name"),
        ('name = "hello"', 'name = ["hello"]', "package.name"),
        ('name = "hello"', 'name = "hello"\nkolour = 1', "package.kolour"),
        ('version = "1.0.0"', 'version = "1.0"\nVersion = "2"', "package.Version"),
        ('version = "1.0.0"', "version = 1.0", "package.version"),
        ('version = "1.0.0"', 'version = "99!0"', "package.version"),
        ('version = "1.0.0"', 'version = "1.0+x"', "package.version"),
        ('summary = "Says hello"', "", "package.summary"),
        ('summary = "Says hello"', f'summary = "{"x" * 161}"', "package.summary"),
        ('summary = "Says hello"', 'summary = "a\u202eb"', "package.summary"),
        ('license = "Apache-2.0 OR MIT"', 'license = "<b>"', "package.license"),
        ('type = "device-driver"', 'type = "malware"', "package.type"),
        ('class = "net"', 'class = "net/hello"', "package.class"),
        ("api = 1", "api = 0", "package.api"),
        ("critical = true", "critical = 1", "package.critical"),
        ('kernel = ">=6.1"', 'kernel = "new"', "package.platform.kernel"),
        ('python = "hello.main:Hello"', 'python = "hello"', "entry.python"),
        ('python = "hello.main:Hello"', 'python = "../x:Y"', "entry.python"),
        ('python = "hello.main:Hello"', 'python = "a:B"\nelf = "code/x"', "entry"),
        ('python = "hello.main:Hello"', 'ruby = "a:B"', "entry"),
        ('type = "elf"', 'type = "pe"', "binary.type"),
        ('netcore = ">=1.2,<2"', 'netcore = "Not A Name"', "dependencies.netcore"),
        ('netcore = ">=1.2,<2"', 'hello = ">=1"', "dependencies.hello"),
        ('netcore = ">=1.2,<2"', 'Netcore = ">=1"', "dependencies.Netcore"),
        ('netcore = ">=1.2,<2"', "netcore = {optional = true}", "dependencies.netcore"),
        ('netcore = ">=1.2,<2"', 'netcore = {version = ">=1", provider = "x"}', "dependencies.netcore"),
        ('netcore = ">=1.2,<2"', 'netcore = {version = "1"}', "dependencies.netcore.version"),
        ("filesystem = [", 'files = ["x"]\nfilesystem = [', "sandbox.files"),
        ('memory = "128M"', "memory = 128", "limits.memory"),
        ('type = "number"', 'type = "float"', "config.interval.type"),
        ('interface = "org.example.Hello1"', 'interface = "org.exoos.Exod1"', "services.hello.interface"),
        ("[services.hello]", "[services.Hello]", "services.Hello"),
    ],
)
def test_a_wrong_value_is_refused_by_key_and_line(old: str, new: str, key: str) -> None:
    text = WHOLE.decode()
    assert old in text
    changed = text.replace(old, new, 1)
    found = refused(changed.encode())
    assert found.code == "manifest-malformed"
    assert found.evidence["key"] == key
    assert found.sentence.startswith("cannot read package.toml: ")
    assert found.sentence.isprintable()
    assert changed.split("\n")[int(found.evidence["line"]) - 1].strip()


def test_the_line_is_that_of_the_key() -> None:
    found = refused(WHOLE.replace(b'memory = "128M"', b'memory = "128Q"'))
    lines = WHOLE.decode().split("\n")
    assert int(found.evidence["line"]) == lines.index('memory = "128M"') + 1
    found = refused(WHOLE.replace(b'signals.Greeted = "s"', b'signals.Greeted = "h"'))
    assert int(found.evidence["line"]) == lines.index('signals.Greeted = "s"') + 1


@pytest.mark.parametrize(
    "data",
    [
        b"\xff\xfe",
        b"[package",
        b"a = 1\na = 2\n",
        b"[package]\n[package]\n",
        b"a.b = 1\na = 2\n",
        b"x = " + b"[" * 30_000,
        b"x = " + b"9" * 6000,
        b"x = " + b"{a = " * 10_000,
        b"x = nan",
        b"\0",
    ],
)
def test_what_is_no_toml_is_refused_without_repeating_it(data: bytes) -> None:
    found = refused(data)
    assert found.code == "manifest-malformed"
    assert found.sentence.isprintable()
    assert len(found.sentence) < 200


def test_a_manifest_over_its_cap_is_refused_before_it_is_parsed() -> None:
    assert refused(b"x" * (manifest.MAX_BYTES + 1)).code == "manifest-too-large"


def test_a_key_of_many_parts_is_refused_before_the_parser_sees_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tomllib, "loads", lambda _: pytest.fail("parsed"))
    assert "dots" in refused(b".".join([b"a"] * 9000) + b" = 1").sentence


def accepts(schema: dict[str, Any], value: Any) -> bool:
    """As much of JSON Schema as `manifest.schema` uses."""
    if "anyOf" in schema:
        return any(accepts(one, value) for one in schema["anyOf"])
    if "enum" in schema:
        return value in schema["enum"]
    kinds = {"string": str, "boolean": bool, "integer": int, "number": (int, float), "array": list, "object": dict}
    wanted = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    if not any(isinstance(value, kinds[kind]) and (kind == "boolean" or value is not True) for kind in wanted):
        return False
    if isinstance(value, str):
        return len(value) <= schema.get("maxLength", len(value)) and bool(re.search(schema.get("pattern", ""), value))
    if isinstance(value, list):
        return len(value) <= schema["maxItems"] and all(accepts(schema["items"], item) for item in value)
    if isinstance(value, dict):
        rows, others = schema.get("properties", {}), schema["additionalProperties"]
        return set(schema.get("required", ())) <= set(value) and all(
            accepts(rows[key], item) if key in rows else others and accepts(others, item) for key, item in value.items()
        )
    return bool(schema.get("minimum", value) <= value <= schema.get("maximum", value))


def test_the_schema_accepts_what_the_parser_accepts() -> None:
    schema = manifest.schema()
    assert json.loads(json.dumps(schema)) == schema
    assert accepts(schema, tomllib.loads(WHOLE.decode()))
    assert accepts(schema, tomllib.loads(manifest_toml().decode()))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('name = "hello"', 'name = "Hello"'),
        ('version = "1.0.0"', 'version = "1!0"'),
        ('type = "device-driver"', 'type = "x"'),
        ("api = 1", "api = true"),
        ('summary = "Says hello"', ""),
        ('memory = "128M"', "memory = 1"),
        ('name = "hello"', 'name = "hello"\nextra = 1'),
    ],
)
def test_the_schema_refuses_what_the_parser_refuses(old: str, new: str) -> None:
    assert not accepts(manifest.schema(), tomllib.loads(WHOLE.decode().replace(old, new, 1)))
