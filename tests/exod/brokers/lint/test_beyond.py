"""What goes beyond what was asked for: the cases beyond the table of examples."""

from exod.brokers.lint.beyond import below
from exod.brokers.lint.source import Asked
from tests.exod.brokers.lint.examples import found, rules


def test_an_import_that_may_fail_does_no_harm() -> None:
    assert rules("try:\n    import socket\nexcept ImportError:\n    socket = None") == set()
    assert rules("try:\n    import socket\nexcept (KeyError, ImportError):\n    socket = None") == set()
    assert rules("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import socket") == set()
    assert rules("try:\n    import socket\nexcept KeyError:\n    pass") == {"network"}
    assert rules("try:\n    pass\nexcept ImportError:\n    import socket") == {"network"}


def test_a_path_below_another_is_told_from_one_that_begins_like_it() -> None:
    assert below("/etc/x", "/etc")
    assert not below("/etcetera", "/etc")
    assert rules("open('/statement')") == {"host-path"}


def test_what_lies_below_a_directory_that_is_asked_for_is_its_own() -> None:
    assert rules("open('/srv/a/b')", Asked(paths=("/srv/a",))) == set()
    assert rules("open('/srv/a/../b')", Asked(paths=("/srv/a",))) == {"host-path"}


def test_the_last_task_is_the_plugins_own() -> None:
    text = "import threading\nthreading.Thread(target=f)"
    assert rules(text, Asked(tasks=1)) == {"threads"}
    assert rules(text, Asked(tasks=2)) == set()


def test_a_finding_names_what_is_lacking() -> None:
    assert [one.what for one in found("import subprocess")] == ["subprocess without `processes`"]
