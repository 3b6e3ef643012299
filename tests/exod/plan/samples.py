"""Manifests, presents and candidates that tests of the room begin with."""

from typing import Any

from exod.package.manifest import Entry, Manifest
from exod.plan.confine import Host, Verdict
from exod.plan.verbs import Candidate, Present

CANDIDATE = Candidate("1.0.0", "ab" * 32, '{"v":1}', '{"p":1}', "a" * 64, "1.0.0", 1 << 20, keeps_data=False)
PRESENT = Present(
    "hello",
    record='{"old":1}',
    stored={"1.0.0": '{"v":0}'},
    digests={"1.0.0": "ab" * 32},
    owner="a" * 64,
    mark="1.0.0",
)
HOST = Host("x86_64", "6.18.5-amd64")
VERDICT = Verdict("ab" * 32, "a" * 64, "trusted")


def manifest(**changes: Any) -> Manifest:
    fields: dict[str, Any] = {
        "name": "hello",
        "version": "1.0.0",
        "type": "custom",
        "summary": "greets",
        "license": "Apache-2.0",
        "entry": Entry("python", "hello:Hello"),
    }
    return Manifest(**fields | changes)
