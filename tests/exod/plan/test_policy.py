"""plugins.d: what the host's administrator says of one plugin."""

import pytest

from exod.errors import Refusal
from exod.plan.policy import Policy, parse


def test_an_empty_file_grants_nothing_and_denies_nothing() -> None:
    assert parse(b"", name="hello") == Policy()


def test_every_key_is_read() -> None:
    data = b'critical = true\nstop-revoked = false\nfiles = ["/proc/stat"]\ndeny = ["network"]\n'
    data += b'[acl]\nhello = "group:staff"\n"hello.Greet" = "uid:5"\n'
    assert parse(data, name="hello") == Policy(
        critical=True,
        stop_revoked=False,
        files=("/proc/stat",),
        deny=("network",),
        acl={"hello": "group:staff", "hello.Greet": "uid:5"},
    )
    assert parse(b"deferred = true", name="hello") == Policy(deferred=True)
    assert parse(b'lint = "warn"', name="hello") == Policy(lint="warn")


@pytest.mark.parametrize(
    "data",
    [
        b"critical = 1",
        b'lint = "maybe"',
        b"lint = false",
        b"critical = true\ndeferred = true",
        b"critcal = true",
        b'files = "/proc/stat"',
        b"files = [1]",
        b'deny = ["everything"]',
        b'acl = "root"',
        b'acl = {hello = "everybody"}',
        b"acl = {hello = 5}",
        b'acl = {hello = "uid:x"}',
        b'acl = {hello = "root & any"}',
        b"\xff",
        b"critical = ",
    ],
)
def test_what_is_misspelt_is_refused_and_never_means_its_default(data: bytes) -> None:
    found = parse(data, name="hello")
    assert isinstance(found, Refusal)
    assert found.code == "policy-invalid"
    assert found.sentence.startswith("cannot read plugins.d/hello.toml: ")


def test_a_rule_can_name_the_plugin_that_may_call() -> None:
    found = parse(b'acl = {hello = "plugin:echo"}', name="hello")
    assert isinstance(found, Policy)
    assert found.access("any", "hello") == "plugin:echo"
