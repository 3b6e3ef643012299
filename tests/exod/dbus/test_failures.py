"""What goes wrong becomes an error of the bus that says all it should, and nothing of Python's."""

import logging

import pytest

from exod.dbus import failures
from exod.dbus.failures import Standard
from exod.dbus.guard import Unfit
from exod.dbus.wire import BusLost
from exod.errors import Outcome, Refusal, Refused


def test_a_refusal_keeps_its_fields() -> None:
    refusal = Refusal("some-code", "cannot do it: no", "do that", {"a": "b\0"}, Outcome.NOT_FOUND)
    assert failures.of(Refused(refusal), where="X") == (
        "org.exoos.Exod1.Error.NotFound",
        "sssa{ss}",
        ["cannot do it: no", "some-code", "do that", {"a": "b\ufffd"}],
    )


@pytest.mark.parametrize(
    ("error", "name"),
    [
        (Standard("UnknownMethod", "x"), "org.freedesktop.DBus.Error.UnknownMethod"),
        (Unfit("too large"), "org.freedesktop.DBus.Error.InvalidArgs"),
        (TimeoutError(), "org.exoos.Exod1.Error.TimedOut"),
        (BusLost("x"), "org.exoos.Exod1.Error.TimedOut"),
    ],
)
def test_what_the_specification_names_has_that_name(error: Exception, name: str) -> None:
    assert failures.of(error, where="X")[0] == name


def test_our_own_bug_says_a_number_and_the_log_says_the_rest(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        name, signature, body = failures.of(KeyError("/etc/secret"), where="Load")
    assert (name, signature) == ("org.exoos.Exod1.Error.Failed", "sssa{ss}")
    assert "secret" not in str(body)
    number = body[0].removeprefix("internal error: ")
    assert number in caplog.text
    assert "/etc/secret" in caplog.text
