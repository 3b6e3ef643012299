"""A finding as the command line tells it."""

from exoctl import linting
from exod.brokers.lint.findings import Finding
from tests.simulation.packages import Kit, manifest

FOUND = Finding("code/a.py", 2, "network", "socket without `network`")


def test_a_finding_as_a_document_says_what_why_and_what_to_do() -> None:
    told = linting.document(FOUND)
    assert (told["path"], told["line"], told["rule"], told["severity"]) == ("code/a.py", 2, "network", "warning")
    assert told["why"]
    assert told["instead"]


def test_the_manifest_decides_what_goes_beyond_it() -> None:
    tree = {"code/a.py": (b"import socket\n", False)}
    assert [one.rule for one in linting.look(manifest(Kit()), tree)] == ["network"]
    assert linting.look(manifest(Kit(network=("tcp:example.org:443",))), tree) == []
