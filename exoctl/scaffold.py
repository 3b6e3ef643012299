"""A new plugin's directory as data: name and type → path → text. A service, its type's hook, a test that passes."""

from collections.abc import Mapping

_MANIFEST = """\
[package]
name = "{name}"
version = "0.1.0"
summary = "{summary}"
license = "Apache-2.0"
type = "{type}"
api = 1

[entry]
python = "{module}:{cls}"

[limits]
memory = "32M"
cpu = "20%"
tasks = 4

[config]
greeting = {{type = "string", default = "hello", maximum = 40, help = "what it says first"}}

[services.{name}]
interface = "org.example.{cls}1"
access = "root"
methods.Greet = {{in = "s", out = "s", idempotent = true}}
properties.Count = {{type = "u", access = "read"}}
"""
_CODE = '''\
"""{summary}."""

from typing import Any

from exosdk import Context, hookimpl


class {cls}:
    """`count` is how often it has greeted since it was loaded."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self.count = 0

    @hookimpl
    def start(self) -> None:
        self._context.log.info("{name} %s is running", self._context.version)
{hook}
    # The service `{name}`, as package.toml declares it.

    def greet(self, name: str) -> str:
        self.count += 1
        self._context.changed("Count")
        return f"{{self._context.config['greeting']}} {{name}}"
'''
_TEST = """\
from collections.abc import Iterator
from pathlib import Path

import pytest
from exosdk.testing import InProcess


@pytest.fixture
def plugin() -> Iterator[InProcess]:
    with InProcess(Path(__file__).parents[1]) as plugin:
        yield plugin


def test_it_greets_and_counts(plugin: InProcess) -> None:
    plugin.hook("start")
    assert plugin.call("Greet", "Ada") == "hello Ada"
    assert plugin.get("Count") == 1
{hook_test}"""
_README = """\
# {name}

{summary}.

    pytest
    exoctl package build . --key KEY
    exoctl plugin load {name}_0.1.0.exopkg
    exoctl plugin call {name} Greet Ada

**External access**: none. **Degraded**: it needs nothing that a host could lack.
"""
_LICENSE = "Licensed under the Apache License, Version 2.0; see https://www.apache.org/licenses/LICENSE-2.0\n"

_HOOKS = {
    "ai-model": """
    @hookimpl
    def infer(self, inputs: dict[str, Any]) -> dict[str, Any]:
        return {"sum": sum(inputs["numbers"])}
""",
    "web-extension": """
    @hookimpl
    def handle_url(self, url: str) -> dict[str, Any]:
        return {"status": 200, "body": f"you asked for {url}"}
""",
    "p2p-protocol": """
    @hookimpl
    def peer_joined(self, peer: str) -> None:
        self._context.log.info("peer %s can be reached", peer)
""",
    "prompt-processor": """
    @hookimpl
    def process_prompt(self, prompt: dict[str, Any]) -> dict[str, Any]:
        return prompt | {"text": prompt["text"].strip()}
""",
    "system-optimizer": """
    @hookimpl
    def propose(self, facts: dict[str, Any]) -> list[dict[str, Any]]:
        return [{"set": "swappiness", "to": 10}] if facts["memory_free"] < 0.1 else []
""",
    "device-driver": """
    @hookimpl
    def device_added(self, device: dict[str, Any]) -> None:
        self._context.log.info("device %s appeared", device["name"])
""",
}
_HOOK_TESTS = {
    "ai-model": """

def test_it_infers(plugin: InProcess) -> None:
    assert plugin.hook("infer", inputs={"numbers": [1, 2]}) == {"sum": 3}
""",
    "web-extension": """

def test_it_answers_its_url(plugin: InProcess) -> None:
    assert plugin.hook("handle_url", url="/x", method="GET", body=b"")["status"] == 200
""",
    "p2p-protocol": """

def test_a_peer_may_join(plugin: InProcess) -> None:
    assert plugin.hook("peer_joined", peer="ada") is None
""",
    "prompt-processor": """

def test_a_prompt_is_trimmed(plugin: InProcess) -> None:
    assert plugin.hook("process_prompt", prompt={"text": " hi "}) == {"text": "hi"}
""",
    "system-optimizer": """

def test_it_proposes_only_what_is_needed(plugin: InProcess) -> None:
    assert plugin.hook("propose", facts={"memory_free": 0.5}) == []
    assert len(plugin.hook("propose", facts={"memory_free": 0.05})) == 1
""",
    "device-driver": """

def test_a_device_may_appear(plugin: InProcess) -> None:
    assert plugin.hook("device_added", device={"name": "usb0"}) is None
""",
}


def files(name: str, *, kind: str) -> Mapping[str, str]:
    """`name` is a plugin's name, `kind` one of US-004's types."""
    module = name.replace("-", "_")
    words = {
        "name": name,
        "type": kind,
        "module": module,
        "cls": "".join(part.capitalize() for part in name.split("-")),
        "summary": f"A new plugin of type {kind}",
        "hook": _HOOKS.get(kind, ""),
        "hook_test": _HOOK_TESTS.get(kind, ""),
    }
    code = _CODE.format(**words)
    if "Any]" not in code:
        code = code.replace("from typing import Any\n\n", "")
    return {
        "package.toml": _MANIFEST.format(**words),
        "README.md": _README.format(**words),
        "LICENSE": _LICENSE,
        f"code/{module}.py": code,
        f"tests/test_{module}.py": _TEST.format(**words),
    }
