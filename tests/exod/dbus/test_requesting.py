"""Verbs are named or refused by name."""

import pytest

from exod.dbus.requesting import verb
from exod.errors import Outcome, Refused
from exod.supervisor.requests import Verb


def test_a_known_one_passes() -> None:
    assert verb("load", (Verb.LOAD,)) is Verb.LOAD


def test_an_unknown_one_names_those_that_exist() -> None:
    with pytest.raises(Refused, match='no verb "restart"') as caught:
        verb("restart", (Verb.LOAD, Verb.INSTALL))
    assert caught.value.refusal.hint == "one of: load, install"
    assert caught.value.refusal.outcome is Outcome.USAGE
