"""plugins.d: what the host's administrator says of one plugin."""

import pytest

from exod.errors import Refusal
from exod.plan.policy import Policy, parse


def test_an_empty_file_grants_nothing_and_denies_nothing() -> None:
    assert parse(b"", name="hello") == Policy()


def test_every_key_is_read() -> None:
    data = b'critical = true\nstop-revoked = false\nfiles = ["/proc/stat"]\ndeny = ["network"]\n'
    assert parse(data, name="hello") == Policy(
        critical=True, stop_revoked=False, files=("/proc/stat",), deny=("network",)
    )
    assert parse(b"deferred = true", name="hello") == Policy(deferred=True)


@pytest.mark.parametrize(
    "data",
    [
        b"critical = 1",
        b"critical = true\ndeferred = true",
        b"critcal = true",
        b'files = "/proc/stat"',
        b"files = [1]",
        b'deny = ["everything"]',
        b"\xff",
        b"critical = ",
    ],
)
def test_what_is_misspelt_is_refused_and_never_means_its_default(data: bytes) -> None:
    found = parse(data, name="hello")
    assert isinstance(found, Refusal)
    assert found.code == "policy-invalid"
    assert found.sentence.startswith("cannot read the policy of hello: ")
