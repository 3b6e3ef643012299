"""Options and verbs are named or refused by name."""

import pytest

from exod.dbus.requesting import known, verb
from exod.errors import Outcome, Refused
from exod.supervisor.requests import Verb


def test_known_options_pass() -> None:
    assert known(Verb.LOAD, {"start": True}, ("start",)) == {"start": True}
    assert verb("load", (Verb.LOAD,)) is Verb.LOAD


def test_an_unknown_one_names_those_that_exist() -> None:
    with pytest.raises(Refused) as caught:
        known(Verb.LOAD, {"strat": True}, ("start", "enable"))
    assert caught.value.refusal.hint == "one of: start, enable"
    assert caught.value.refusal.outcome is Outcome.USAGE
    with pytest.raises(Refused) as caught:
        known(Verb.STOP, {"now": True}, ())
    assert caught.value.refusal.hint == "it has none"
    with pytest.raises(Refused, match='no verb "restart"'):
        verb("restart", (Verb.LOAD,))
