"""Which settings may be granted at all, and which question is answered."""

from dataclasses import replace

import pytest

from exod.brokers.config import rules
from tests.exod.sandbox.rig import confinement


def asking(*entries: str) -> str:
    found = rules.check(replace(confinement(), permissions={"config": entries}))
    return "" if found is None else found.code


@pytest.mark.parametrize("entry", ["read:system.hostname", "read:echo.volume", "write:echo.volume"])
def test_settings_of_plugins_and_the_closed_list_of_the_system_may_be_granted(entry: str) -> None:
    assert asking(entry) == ""


@pytest.mark.parametrize("entry", ["write:system.hostname", "read:system.password", "read:system.environ"])
def test_the_system_is_never_changed_and_never_read_beyond_the_list(entry: str) -> None:
    assert asking("read:system.hostname", entry) == "permission-refused"


HELD = ("read:echo.volume", "write:echo.tone", "read:system.hostname")


@pytest.mark.parametrize(
    ("kind", "key"), [("read", "echo.volume"), ("write", "echo.tone"), ("read", "system.hostname")]
)
def test_what_is_held_is_answered(kind: str, key: str) -> None:
    assert rules.denied(kind, key, held=HELD) is None


@pytest.mark.parametrize(
    ("kind", "key"),
    [
        ("write", "echo.volume"),
        ("read", "echo.tone"),
        ("read", "echo.other"),
        ("read", "ech.volume"),
        ("read", "system.kernel"),
        ("execute", "echo.volume"),
        ("", "echo.volume"),
        ("read:echo", "volume"),
        ("read", "echo"),
        ("read", ""),
        ("read", "echo.volume\n"),
    ],
)
def test_what_is_not_held_is_denied(kind: str, key: str) -> None:
    found = rules.denied(kind, key, held=HELD)
    assert found is not None
    assert found.code == "setting-denied"


def test_words_of_a_plugin_that_are_no_question_stand_in_no_sentence_of_ours() -> None:
    for kind, key in (("read", "a.b\x1b[2J"), ("re\nad", "a.b"), ("read", "a." + "b" * 200), ("read", "ä.b")):
        found = rules.denied(kind, key, held=())
        assert found is not None
        assert key not in found.sentence
        assert not rules.is_question(kind, key)
